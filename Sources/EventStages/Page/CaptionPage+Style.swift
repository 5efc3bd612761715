extension CaptionPage {
  /// Large enough for the back of a room, and for a phone held upright. The newest line is at the bottom.
  static let style = """

    :root {
      --ground: #fbfaf8; --text: #16181d; --dim: #666b76; --line: #d9d7d2; --bad: #b3261e; --good: #1b7f4b;
      --s0: #0b5cad; --s1: #a8430a; --s2: #1b7340; --s3: #8a2f8f; --s4: #a3123f; --s5: #0a6f7c; --s6: #6d5a00;
      --s7: #4b45b5;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #0f1115; --text: #f2f0ec; --dim: #9a9fab; --line: #2c3038; --bad: #ff8a80; --good: #6fd79b;
        --s0: #7cb7ff; --s1: #ffab70; --s2: #7fdc9b; --s3: #e59be9; --s4: #ff93ae; --s5: #6fd6e3; --s6: #e3cd68;
        --s7: #b3aeff;
      }
    }
    * { box-sizing: border-box; margin: 0; }
    html, body { height: 100%; }
    body {
      display: flex; flex-direction: column; background: var(--ground); color: var(--text);
      font: clamp(1.25rem, 0.75rem + 2.2vw, 3.25rem)/1.35 system-ui, "Noto Sans", "DejaVu Sans", sans-serif;
    }
    #state {
      flex: none; padding: 0.5rem max(1rem, 4vw); font-size: 0.95rem; color: var(--dim);
      border-bottom: 1px solid var(--line);
    }
    #state::before {
      content: ""; display: inline-block; width: 0.65em; height: 0.65em; margin-right: 0.5em; border-radius: 50%;
      background: var(--dim);
    }
    #state.live::before { background: var(--good); }
    #state.lost { background: var(--bad); color: var(--ground); font-size: max(1.1rem, 0.6em); font-weight: 600; }
    #state.lost::before { background: var(--ground); }
    #log {
      flex: 1; min-height: 0; overflow-y: auto; display: flex; flex-direction: column; outline: none;
      padding: 1rem max(1rem, 4vw) max(1.2rem, env(safe-area-inset-bottom));
      mask-image: linear-gradient(transparent, #000 1.4rem);
    }
    #log::before { content: ""; margin-top: auto; }
    #empty { color: var(--dim); }
    .turn {
      max-width: 44em; margin-top: 0.7em; padding-left: 0.55em; border-left: 0.14em solid var(--speaker);
    }
    .turn.same { margin-top: 0; padding-top: 0.25em; }
    .turn.same h2 { display: none; }
    .turn h2 { font-size: 0.62em; line-height: 1.5; font-weight: 700; color: var(--speaker); }
    .turn time { margin-left: 0.6em; font-weight: 400; color: var(--dim); font-variant-numeric: tabular-nums; }
    .turn p { overflow-wrap: anywhere; white-space: pre-wrap; }
    .turn small { font-size: 0.6em; color: var(--dim); unicode-bidi: isolate; }
    .interim p { color: var(--dim); }
    .notice { margin-top: 0.7em; font-size: 0.6em; color: var(--dim); overflow-wrap: anywhere; }
    .s0 { --speaker: var(--s0); } .s1 { --speaker: var(--s1); } .s2 { --speaker: var(--s2); }
    .s3 { --speaker: var(--s3); } .s4 { --speaker: var(--s4); } .s5 { --speaker: var(--s5); }
    .s6 { --speaker: var(--s6); } .s7 { --speaker: var(--s7); }
    #newest {
      position: fixed; right: max(1rem, 4vw); bottom: max(1rem, env(safe-area-inset-bottom)); padding: 0.5em 0.9em;
      font: inherit; font-size: 1rem; color: var(--ground); background: var(--text); border: 0; border-radius: 2em;
    }
    #newest[hidden] { display: none; }
    #script { padding: 1rem max(1rem, 4vw); }

    """
}
