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

from sounds import RATE, babble, make_noise, music, pink, resample, sounds

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
