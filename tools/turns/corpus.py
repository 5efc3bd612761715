#!/usr/bin/env python3
"""Makes the corpus of `tools/bench turns`: 16 kHz mono s16 files and `corpus.json`, which says what is in them.

usage: corpus.py FOLDER

A dialogue is one voice's side of a conversation. Its turns are separated by 1.2 to 3 s of silence; the phrases of a turn
by pauses of 0.1 to 0.8 s, half of them at a comma inside a sentence, where the voice's own pause is replaced, half between
two sentences. A turn truly ends where its last phrase ends; a phrase lasts from the first to the last 10 ms within 40 dB of its
loudest 10 ms, found before any noise is added. There are three sets: models are fitted to `tuning`, choices are made with
`development`, and `test` is for the figures that are published. No voice, noise or new instrument of one is in another; `test`
has sentences of its own. Recordings of people and of bands are among all three, as Debian's packages have them.
The same numbers come out each time, as long as flite, espeak-ng, festival and those packages are the same.
"""
import functools
import glob
import gzip
import json
import pathlib
import re
import subprocess
import sys
import wave

import numpy

RATE = 16000
FRAME = 160
# Pauses within a turn and how often each comes, and silences after turns.
PAUSES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8]
WEIGHTS = [0.14, 0.14, 0.14, 0.14, 0.14, 0.15, 0.15]
GAPS = [1.2, 1.5, 2.0, 3.0]
# A voice after "@" is made so much higher, a larger or smaller head with it. Those of `people` are recorded.
VOICES = {
    "tuning": ["flite:slt", "flite:rms", "flite:slt@0.88", "flite:rms@1.13", "flite:rms@1.25", "flite:slt@1.1",
               "espeak:en-us", "espeak:en-gb+f2", "espeak:en-us+m3", "espeak:en-gb-scotland+m5", "espeak:en-us+f4",
               "espeak:en-gb+m1", "espeak:en-029+f1", "espeak:en-gb-scotland+f5", "festival:lp_diphone",
               "festival:suo_fi_lj_diphone", "festival:hy_fi_mv_diphone", "festival:hy_fi_mv_diphone@0.88", "people:fr_CA_f_June",
               "people:it_IT_f_Menardi", "people:fr_CA_f_June@0.82", "people:it_IT_f_Menardi@0.86"],
    "development": ["flite:awb", "espeak:en-gb-x-rp", "espeak:en-us+f3", "espeak:en-gb-x-gbclan+m4", "espeak:en-us+m7",
                    "people:ru_RU_f_IvrvoiceRU"],
    "test": ["flite:kal", "festival:ked_diphone", "espeak:en-us-nyc", "espeak:en-gb-x-gbcwmd+Andrea", "espeak:en-us+Mike",
             "espeak:en-gb+linda", "espeak:en-us-nyc+belinda", "espeak:en-gb-x-gbcwmd+klatt3",
             "people:en_US_f_Allison", "people:it_IT_m_Carlo"],
}
PROMPTS = pathlib.Path("/usr/share/asterisk/sounds")
PROMPT_TEXTS = pathlib.Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
SEEDS = {"tuning": (1, 3), "development": (2, 4), "test": (7, 8)}
INSTRUMENTS = {
    "tuning": ["plucked", "organ", "beep", "reed", "synth", "brass", "mallet", "electric"],
    "development": ["plucked", "organ", "beep", "bell", "bowed"],
    "test": ["plucked", "organ", "beep", "string", "flute", "accordion"],
}
RECORDED_MUSIC = {
    "tuning": "/usr/share/scummvm/drascula/audio/*.ogg",
    "development": "/usr/share/games/frozen-bubble/snd/*zik*.ogg",
    "test": "/usr/share/asterisk/moh/*.g722",
}
NOISES = ["white", "pink", "babble"]
SNRS = [20, 10, 5]


def speak(voice, text, folder):
    """The spoken text at 16 kHz, one number a sample, full scale 1."""
    voice, _, factor = voice.partition("@")
    engine, name = voice.split(":")
    path = folder / (re.sub(r"\W+", "-", voice + " " + text) + ".wav")
    if not path.exists():
        if engine == "flite":
            command = ["flite", "-voice", name, "-t", text, "-o", path]
        elif engine == "festival":
            say = f'(begin (voice_{name}) (utt.save.wave (utt.synth (Utterance Text "{text}")) "{path}" \'riff))'
            command = ["festival", "--batch", say]
        else:
            seed = sum(map(ord, voice))
            command = ["espeak-ng", "-v", name, "-s", str(140 + seed % 45), "-p", str(40 + seed % 20), "-w", path, "--", text]
        # Festival's voices tell of every sound they lack.
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        samples = numpy.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    return resample(samples, round(rate * float(factor or 1)))


def recording(path):
    """What a file of sound holds, at 16 kHz, in mono."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-"]
    output = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout
    return numpy.frombuffer(output, "<i2") / 32768


@functools.cache
def prompts(voice):
    """The sentences of one who is recorded, and for each what was recorded, in pieces: cut at its pauses."""
    name, _, factor = voice.partition("@")
    sentences = {}
    for line in gzip.open(PROMPT_TEXTS, "rt").read().splitlines():
        prompt, _, text = line.partition(": ")
        paths = sorted((PROMPTS / name).glob(prompt + ".*")) if text.count(" ") > 1 and "[" not in text else []
        if not paths:
            continue
        samples = resample(recording(paths[0]), round(RATE * float(factor or 1)))
        loud = numpy.flatnonzero(loud_frames(samples))
        pauses = numpy.flatnonzero(numpy.diff(loud) > 15)
        starts, ends = loud[[0, *(pauses + 1)]], loud[[*pauses, -1]] + 1
        pieces = [samples[start * FRAME: end * FRAME] for start, end in zip(starts, ends)]
        # What is said in other languages is not written down.
        text = text if name.startswith("en") else ""
        if all(0.3 < len(piece) / RATE < 8 for piece in pieces):
            sentences[prompt] = [(text if index == 0 else "", piece) for index, piece in enumerate(pieces)]
    return sentences


def resample(samples, rate):
    if rate == RATE:
        return samples
    length = len(samples) * RATE // rate
    spectrum = numpy.fft.rfft(samples, 2 ** int(numpy.ceil(numpy.log2(len(samples)))))
    size = 2 * (len(spectrum) - 1) * RATE // rate // 2 * 2
    wanted = numpy.zeros(size // 2 + 1, complex)
    shared = min(len(wanted), len(spectrum))
    wanted[:shared] = spectrum[:shared]
    return numpy.fft.irfft(wanted, size)[:length] * RATE / rate


def loud_frames(samples):
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    energy = (frames ** 2).mean(axis=1)
    return energy > energy.max() * 1e-4


def trimmed(samples):
    loud = numpy.flatnonzero(loud_frames(samples))
    return samples[loud[0] * FRAME: (loud[-1] + 1) * FRAME]


@functools.cache
def phrases(voice, sentence, folder):
    """The sentence in one or two pieces, without silence around them: cut where it is silent for its comma."""
    engine, name = voice.split(":")
    if engine == "people":
        return list(prompts(name).values())[sentence]
    samples = trimmed(speak(voice, sentence, folder))
    if "," not in sentence:
        return [(sentence, samples)]
    loud = loud_frames(samples)
    share = sentence.index(",") / len(sentence)
    runs, start = [], None
    for index, is_loud in enumerate(loud):
        if not is_loud and start is None:
            start = index
        if is_loud and start is not None:
            runs.append((index - start, start, index))
            start = None
    runs = [run for run in runs if run[0] >= 6 and abs(run[1] / len(loud) - share) < 0.25]
    if not runs:
        return [(sentence, samples)]
    _, first, last = max(runs)
    comma = sentence.index(",") + 1
    return [(sentence[:comma], trimmed(samples[: first * FRAME])),
            (sentence[comma:].strip(), trimmed(samples[last * FRAME:]))]


def pink(random, count):
    size = 2 ** int(numpy.ceil(numpy.log2(count)))
    spectrum = numpy.fft.rfft(random.standard_normal(size))
    frequencies = numpy.arange(len(spectrum), dtype=float)
    spectrum /= numpy.sqrt(numpy.maximum(frequencies, 20 * size / RATE))
    noise = numpy.fft.irfft(spectrum, size)[:count]
    return noise / noise.std()


def babble(random, count, said, voices=12):
    """Many voices at once."""
    noise = numpy.zeros(count)
    for _ in range(voices):
        position = -int(random.integers(0, 3 * RATE))
        while position < count:
            piece = said[random.integers(len(said))]
            first, last = max(position, 0), min(position + len(piece), count)
            if last > first:
                noise[first:last] += piece[first - position: last - position] / piece.std()
            position += len(piece) + int(random.integers(0, RATE // 2))
    return noise / noise.std()


def make_noise(kind, random, count, said):
    if kind == "white":
        return random.standard_normal(count)
    return pink(random, count) if kind == "pink" else babble(random, count, said)


def note(random, frequency, seconds, style):
    """One note. The styles of the two halves are different instruments."""
    time = numpy.arange(int(seconds * RATE)) / RATE
    edges = numpy.minimum(time / 0.01, 1) * numpy.minimum((time[-1] - time) / 0.02, 1)
    slow = numpy.minimum(time / random.uniform(0.03, 0.12), 1)

    def partials(amplitudes, cycles):
        return sum(numpy.sin(2 * numpy.pi * k * cycles + k) * a for k, a in enumerate(amplitudes, 1) if k * frequency < 7500)

    def vibrato(depth, rate):
        return frequency * time - depth * frequency / rate / 6.28 * numpy.cos(2 * numpy.pi * rate * time + frequency)

    if style == "plucked":
        return sum(numpy.sin(2 * numpy.pi * frequency * k * time) / k * numpy.exp(-time * (2 + k)) for k in range(1, 8)) * edges
    if style == "organ":
        return partials([1, 0.7, 0.4, 0.5, 0, 0.2, 0, 0.2], frequency * time) * edges * 0.5
    if style == "beep":
        return numpy.sin(4 * numpy.pi * frequency * time) * edges
    if style == "reed":
        tremolo = 1 + 0.3 * numpy.sin(2 * numpy.pi * random.uniform(3, 8) * time)
        return partials([1, 0.1, 0.6, 0.1, 0.5, 0.1, 0.3, 0, 0.3, 0, 0.2], vibrato(0.01, random.uniform(4, 7))) * tremolo * slow * edges
    if style == "synth":
        bright = numpy.exp(-time * random.uniform(1, 6)) * random.uniform(4, 12) + 1
        return sum(numpy.sin(2 * numpy.pi * k * frequency * time) / k * numpy.clip(bright - k + 1, 0, 1)
                   for k in range(1, 14) if k * frequency < 7500) * edges
    if style == "brass":
        return sum(numpy.sin(2 * numpy.pi * k * vibrato(0.004, 5)) / k * numpy.minimum(time / (0.02 * k), 1)
                   for k in range(1, 16) if k * frequency < 7500) * edges
    if style == "mallet":
        return sum(numpy.sin(2 * numpy.pi * frequency * r * time) * numpy.exp(-time * d) for r, d in [(1, 5), (4, 12), (9.2, 25)]) * edges
    if style == "electric":
        index = random.uniform(0.5, 2) * numpy.exp(-4 * time)
        return numpy.sin(2 * numpy.pi * frequency * time + index * numpy.sin(2 * numpy.pi * frequency * time)) * numpy.exp(-1.5 * time) * edges
    # Those below are not heard in the tuning set.
    if style == "bell":
        index = 3 * numpy.exp(-3 * time)
        return numpy.sin(2 * numpy.pi * frequency * time + index * numpy.sin(2 * numpy.pi * 1.4 * frequency * time)) * numpy.exp(-2 * time) * edges
    if style == "bowed":
        return partials([1 / k for k in range(1, 14)], vibrato(0.006, 5.5)) * slow * edges * 0.6
    if style == "string":
        # A line of noise that goes round and is smoothed each time.
        period = max(2, int(RATE / frequency))
        line, rounds = random.uniform(-1, 1, period), []
        for _ in range(len(time) // period + 1):
            rounds.append(line)
            line = 0.498 * (line + numpy.roll(line, 1))
        return numpy.concatenate(rounds)[: len(time)] * edges
    if style == "flute":
        breath = numpy.convolve(random.standard_normal(len(time)), numpy.ones(8) / 8, "same")
        return (partials([1, 0.4, 0.15, 0.05], vibrato(0.005, 5)) + 0.1 * breath) * slow * edges
    if style == "accordion":
        reeds = [1 / k ** 0.7 for k in range(1, 20)]
        return (partials(reeds, frequency * time) + partials(reeds, 1.008 * frequency * time)) * slow * edges * 0.4
    raise ValueError(style)


def sounds(random, count):
    """What is neither speech nor music: hum, clicks, wind, sirens, telephone tones, engines, sweeps."""
    parts, total = [], 0
    while total < count:
        seconds = random.uniform(2, 8)
        time = numpy.arange(int(seconds * RATE)) / RATE
        kind = random.integers(8)
        if kind == 0:
            base = random.choice([50, 60, 100, 120])
            part = sum(numpy.sin(2 * numpy.pi * base * k * time) / k for k in range(1, int(random.integers(2, 20))))
        elif kind == 1:
            part = 0.02 * random.standard_normal(len(time))
            for start in random.integers(0, len(time) - 800, int(seconds * random.uniform(2, 12))):
                part[start: start + 800] += random.standard_normal(800) * numpy.exp(-numpy.arange(800) / random.uniform(20, 200)) * random.uniform(1, 6)
        elif kind == 2:
            part = pink(random, len(time)) * (1.1 + numpy.sin(2 * numpy.pi * random.uniform(0.2, 4) * time + random.uniform(0, 6)))
        elif kind == 3:
            low, high = random.uniform(400, 700), random.uniform(900, 1600)
            sweep = (low + high) / 2 + (high - low) / 2 * numpy.sin(2 * numpy.pi * random.uniform(0.3, 3) * time)
            part = partial_sum(2 * numpy.pi * numpy.cumsum(sweep) / RATE, int(random.integers(1, 6)))
        elif kind == 4:
            pair = [(697, 1209), (770, 1336), (852, 1477), (941, 1336), (440, 480), (350, 440)][random.integers(6)]
            on = (numpy.sin(2 * numpy.pi * random.uniform(0.4, 5) * time) > random.uniform(-0.9, 0.5)).astype(float)
            part = (numpy.sin(2 * numpy.pi * pair[0] * time) + numpy.sin(2 * numpy.pi * pair[1] * time)) * on
        elif kind == 5:
            speed = random.uniform(20, 90) * (1 + 0.3 * numpy.sin(2 * numpy.pi * random.uniform(0.1, 1) * time))
            part = partial_sum(2 * numpy.pi * numpy.cumsum(speed) / RATE, 25) + 0.3 * pink(random, len(time))
        elif kind == 6:
            sweep = random.uniform(80, 300) * (random.uniform(2, 20) ** (time / seconds))
            part = partial_sum(2 * numpy.pi * numpy.cumsum(sweep) / RATE, int(random.integers(1, 4)))
        else:
            part = numpy.cumsum(random.standard_normal(len(time)))
            part -= numpy.convolve(part, numpy.ones(400) / 400, "same")
        parts.append(part / (part.std() + 1e-9) * random.uniform(0.3, 1.2))
        total += len(part)
        if random.random() < 0.4:
            parts.append(numpy.zeros(int(random.uniform(0.2, 1.5) * RATE)))
            total += len(parts[-1])
    return numpy.concatenate(parts)[:count]


def partial_sum(phase, count):
    return sum(numpy.sin(k * phase) / k for k in range(1, count + 1))


def music(random, seconds, styles):
    """Chords, melodies, beeps and drums, a style and a level for every ten seconds or so."""
    sound = numpy.zeros(int(seconds * RATE) + 8 * RATE)
    position = 0.0
    while position < seconds:
        style, until = styles[random.integers(len(styles))], position + random.uniform(6, 14)
        beat, root, drums = random.uniform(0.12, 0.5), random.uniform(60, 400), random.random() < 0.4
        gain = 10 ** (random.uniform(-15, 0) / 20)
        scale = [0, 2, 4, 5, 7, 9, 11, 12]
        while position < min(until, seconds):
            length = beat * random.choice([1, 1, 2, 4])
            for tone in random.choice(scale, 3 if random.random() < 0.3 else 1, replace=False):
                part = note(random, root * 2 ** (tone / 12), length * random.choice([0.8, 1.0, 1.3]), style)
                start = int(position * RATE)
                sound[start: start + len(part)] += gain * part
            if drums:
                part = random.standard_normal(RATE // 10) * numpy.exp(-numpy.arange(RATE // 10) / RATE * 40)
                start = int(position * RATE)
                sound[start: start + len(part)] += gain * part
            position += length
        position += random.choice([0, 0, random.uniform(0.2, 1.5)])
    sound = sound[: int(seconds * RATE)]
    return sound / numpy.sqrt((sound ** 2).mean())


def dialogue(random, voice, sentences, folder, seconds):
    """One voice's turns, and for each phrase its start, end, text and what follows it."""
    pieces, marks, position = [], [], 0

    def add(samples):
        nonlocal position
        pieces.append(samples)
        position += len(samples)

    add(numpy.zeros(int(random.uniform(0.3, 1.5) * RATE)))
    order = []
    while position < seconds * RATE:
        turn = []
        for _ in range(int(random.choice([1, 2, 3, 4], p=[0.3, 0.35, 0.25, 0.1]))):
            order = order or list(random.permutation(len(sentences)))
            turn += phrases(voice, sentences[order.pop()], folder)
        for index, (text, samples) in enumerate(turn):
            is_end = index == len(turn) - 1
            silence = float(random.choice(GAPS) if is_end else random.choice(PAUSES, p=WEIGHTS))
            start = position
            add(samples)
            marks.append({"start": start / RATE, "end": position / RATE, "text": text, "ends": is_end, "silence": silence})
            add(numpy.zeros(int(silence * RATE)))
    return numpy.concatenate(pieces), marks


def write_noises(half, said, write):
    """Minutes without a word, a fifth of them at each of five levels."""
    random = numpy.random.default_rng(SEEDS[half][1])

    def crowd(count):
        if half != "tuning":
            return babble(random, count, said)
        return numpy.concatenate([babble(random, count // 5, said, voices) for voices in (8, 10, 12, 14, 18)])

    recorded = numpy.array_split(recorded_music(half), 5)
    kinds = {
        "white": (10, lambda count: random.standard_normal(count)),
        "pink": (10, lambda count: pink(random, count)),
        "babble": (25 if half == "tuning" else 10, crowd),
        "music": (50 if half == "tuning" else 30, lambda count: music(random, count / RATE, INSTRUMENTS[half])),
        "sounds": (25 if half == "tuning" else 10, lambda count: sounds(random, count)),
        "silence": (10, numpy.zeros),
        "recorded-music": (len(recorded[-1]) / 12 / RATE, lambda count: recorded.pop()[:count]),
    }
    for kind, (minutes, make) in kinds.items():
        parts = [make(int(minutes * 12 * RATE)) * 10 ** (level / 20) for level in numpy.linspace(-50, -15, 5)]
        write(f"{half}-only-{kind}", numpy.concatenate(parts), half=half, voice="", noise=kind, phrases=[])


def recorded_music(half):
    """All there is, without pauses of its own, each piece as loud as the others."""
    pieces = [recording(path) for path in sorted(glob.glob(RECORDED_MUSIC[half]))]
    return numpy.concatenate([piece / piece.std() for piece in pieces])


def sentences_of(voice, half):
    if voice.startswith("people:"):
        return range(len(prompts(voice.partition(":")[2])))
    here = pathlib.Path(__file__).parent
    name = "sentences-test.txt" if half == "test" else "sentences.txt"
    lines = [line.strip() for line in (here / name).read_text().splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return lines if half == "test" else lines[half == "development"::2]


def main():
    folder = pathlib.Path(sys.argv[1])
    spoken = folder / "spoken"
    spoken.mkdir(parents=True, exist_ok=True)
    files = []

    def write(name, samples, **facts):
        numpy.clip(numpy.round(samples * 32768), -32768, 32767).astype("<i2").tofile(folder / (name + ".raw"))
        files.append({"file": name + ".raw", **facts})

    for half, voices in VOICES.items():
        random = numpy.random.default_rng(SEEDS[half][0])
        said = [samples for voice in voices for line in sentences_of(voice, half)[:12] for _, samples in phrases(voice, line, spoken)]
        for voice in voices:
            sentences = sentences_of(voice, half)
            for noise in ["none"] + [f"{kind}-{ratio}" for kind in NOISES for ratio in SNRS]:
                samples, marks = dialogue(random, voice, sentences, spoken, 90 if noise == "none" else 45)
                heard = numpy.concatenate([samples[int(m["start"] * RATE): int(m["end"] * RATE)] for m in marks])
                samples /= heard.std()
                if noise == "none":
                    # The noise of a quiet room; every other voice is digitally silent between its phrases.
                    samples += pink(random, len(samples)) * (0.003 if voices.index(voice) % 2 else 0)
                else:
                    kind, ratio = noise.split("-")
                    samples += make_noise(kind, random, len(samples), said) * 10 ** (-int(ratio) / 20)
                if half == "tuning" and random.random() < 0.25:
                    # As a telephone has it.
                    samples = resample(resample(samples, 2 * RATE), RATE // 2)[: len(samples)]
                samples *= 10 ** (random.uniform(-46, -16) / 20)
                write(f"{half}-{re.sub(r'[:+]', '-', voice)}-{noise}", samples, half=half, voice=voice, noise=noise, phrases=marks)
        write_noises(half, said, write)
    (folder / "corpus.json").write_text(json.dumps(files, indent=1))


if __name__ == "__main__":
    main()
