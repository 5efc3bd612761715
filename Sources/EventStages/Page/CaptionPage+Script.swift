extension CaptionPage {
  /// Reads the events and shows the turns. What was said gets into the document as text only (`textContent`).
  ///
  /// The stream is read by hand instead of with an `EventSource`, which hides the server's comments: they tell a line that is
  /// silent from one that is dead.
  static let script = """

    'use strict';
    (() => {
      const log = document.getElementById('log');
      const empty = document.getElementById('empty');
      const state = document.getElementById('state');
      const words = document.getElementById('words');
      const newest = document.getElementById('newest');
      const mostTurns = 400, retry = 2000, silence = 25000;
      const turns = new Map();
      const speakers = new Map();
      let lastId = '', hasEnded = false, follows = true;

      function show(name, text) {
        if (state.className !== name) state.className = name;
        if (words.textContent !== text) words.textContent = text;
      }

      function element(tag, className, parent) {
        const made = document.createElement(tag);
        if (className) made.className = className;
        if (parent) parent.append(made);
        return made;
      }

      function clock(seconds) {
        const whole = Math.max(0, Math.floor(Number(seconds) || 0));
        const two = (number) => String(number).padStart(2, '0');
        const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
        return (hours ? hours + ':' + two(minutes) : minutes) + ':' + two(whole % 60);
      }

      // A name is told only where another one spoke before.
      function joinSpeakers() {
        let before = null;
        for (const child of log.children) {
          if (child === empty) continue;
          const speaker = child.dataset.speaker;
          child.classList.toggle('same', speaker !== undefined && speaker === before);
          before = speaker;
        }
      }

      function open(key, event) {
        const speaker = event.stream || '';
        if (!speakers.has(speaker)) speakers.set(speaker, 's' + speakers.size % 8);
        const box = element('article', 'turn ' + speakers.get(speaker), log);
        box.dataset.speaker = speaker;
        const head = element('h2', '', box);
        const name = element('span', 'who', head), time = element('time', '', head);
        name.textContent = speaker;
        const text = element('p', '', box);
        text.dir = 'auto';
        const turn = {box, time, text, isFinal: false};
        turns.set(key, turn);
        return turn;
      }

      function remove(key) {
        const turn = turns.get(key);
        if (turn) turn.box.remove();
        turns.delete(key);
      }

      function takeTurn(event) {
        const key = JSON.stringify([event.session, event.stream, event.turn]);
        const isFinal = event.event === 'EndOfTurn';
        const transcript = String(event.transcript ?? '');
        if (isFinal && transcript.trim() === '') return remove(key);
        // Silence between turns is told, too.
        if (event.event === 'Update' && transcript === '' && !turns.has(key)) return;
        const turn = turns.get(key) || open(key, event);
        if (turn.isFinal && !isFinal) return;
        turn.isFinal = isFinal;
        turn.time.textContent = clock(event.start);
        turn.text.textContent = transcript || '…';
        if (Array.isArray(event.languages) && event.languages[0]) turn.text.lang = String(event.languages[0]);
        if (isFinal && event.final === false) {
          element('small', '', turn.text).textContent = ' (' + String(event.trigger || 'not final') + ')';
        }
        turn.box.classList.toggle('interim', !isFinal);
        // A screen reader says what is settled, once.
        if (isFinal) turn.box.removeAttribute('aria-hidden'); else turn.box.setAttribute('aria-hidden', 'true');
      }

      function takeNotice(event) {
        element('p', 'notice', log).textContent = String(event.message ?? '');
      }

      function take(block) {
        let id = null, data = [];
        for (const line of block.split('\\n')) {
          if (line.startsWith('id: ')) id = line.slice(4);
          else if (line.startsWith('data: ')) data.push(line.slice(6));
        }
        if (id !== null) lastId = id;
        if (data.length === 0) return;
        let event;
        try { event = JSON.parse(data.join('\\n')); } catch { return; }
        const kinds = ['StartOfTurn', 'Update', 'EagerEndOfTurn', 'TurnResumed', 'EndOfTurn'];
        if (kinds.includes(event.event)) takeTurn(event);
        else if (event.event === 'Notice') takeNotice(event);
      }

      function settle() {
        while (log.children.length > mostTurns + 1) {
          const oldest = log.children[log.children[0] === empty ? 1 : 0];
          for (const [key, turn] of turns) if (turn.box === oldest) turns.delete(key);
          oldest.remove();
        }
        empty.hidden = log.children.length > 1;
        joinSpeakers();
        if (follows) log.scrollTop = log.scrollHeight;
      }

      async function listen() {
        const stop = new AbortController();
        let watch, why = 'connection lost';
        const isHeard = () => { clearTimeout(watch); watch = setTimeout(() => stop.abort(), silence); };
        const lose = () => stop.abort();
        window.addEventListener('offline', lose);
        hasEnded = false;
        try {
          isHeard();
          const headers = lastId ? {'Last-Event-ID': lastId} : {};
          const answer = await fetch('events', {headers, cache: 'no-store', signal: stop.signal});
          if (!answer.ok) {
            why = answer.status === 503 ? 'too many readers' : 'refused (' + answer.status + ')';
            throw new Error(why);
          }
          show('live', 'live');
          const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
          let rest = '';
          for (;;) {
            const {value, done} = await reader.read();
            if (done) break;
            isHeard();
            const blocks = (rest + value).split('\\n\\n');
            rest = blocks.pop();
            for (const block of blocks) take(block);
            settle();
          }
          hasEnded = rest.split('\\n').includes(': end');
        } catch {}
        clearTimeout(watch);
        stop.abort();
        window.removeEventListener('offline', lose);
        if (hasEnded) show('ended', 'ended; waiting for the next start');
        else if (state.className !== 'ended') show('lost', why + '; trying again');
        setTimeout(listen, retry);
      }

      log.addEventListener('scroll', () => {
        follows = log.scrollHeight - log.scrollTop - log.clientHeight < 48;
        newest.hidden = follows;
      });
      newest.addEventListener('click', () => { follows = true; log.scrollTop = log.scrollHeight; });
      window.addEventListener('resize', () => { if (follows) log.scrollTop = log.scrollHeight; });
      listen();
    })();

    """
}
