"""The sounds of the corpus nobody speaks in: noise, babble, music and others. Numbers, full scale 1, at 16 kHz."""
import numpy

RATE = 16000


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
