#!/usr/bin/env python3
"""Fits the models of the local turn detector to the tuning set of the corpus.

usage: fit.py CORPUS speech >Sources/FluxServer/Turns/SpeechModelWeights.swift   after `TurnBench features CORPUS`
       fit.py CORPUS end                                                   after `TurnBench moments CORPUS`

`speech` trains SpeechModel: each 10 ms frame is speech if a phrase of the corpus lies there. `end` prints the
coefficients of EndOfTurnModel: each 80 ms step of silence after a phrase is an end if the phrase was its turn's last; no more
than 1.2 s after it count, the shortest silence that follows a turn.
"""
import json
import pathlib
import sys
import textwrap

import numpy

FEATURES = 32
UNITS = 32
# Seconds of silence after which it counts differently.
BENDS = [0.5, 0.75]
# What is added to the features in training, in standard deviations of theirs, so that no one number is relied on.
JITTER = 0.1
# Frames of a piece of a recording: 45 s.
PIECE = 4500
# Frames of a stream that begins in the middle, and from one to the next, as TurnBench has them.
START, START_DISTANCE = 300, 800


def recordings(folder, half):
    files = json.loads((folder / "corpus.json").read_text())
    return [file for file in files if file["half"] == half]


def frames(folder):
    """Pieces of recordings: features, whether they are speech, and how much each frame counts."""
    pieces = []
    for file in recordings(folder, "tuning"):
        features = numpy.fromfile(folder / (file["file"] + ".features"), "<f4").reshape(-1, FEATURES)
        truth = numpy.zeros(len(features), numpy.float32)
        for phrase in file["phrases"]:
            truth[round(phrase["start"] * 100): round(phrase["end"] * 100)] = 1
        weight = numpy.ones(len(features), numpy.float32)
        if file["phrases"]:
            # Silence well away from speech should be heard as such.
            weight[numpy.convolve(truth, numpy.ones(61), "same") == 0] = 2
            for phrase in file["phrases"]:
                # Nobody knows at once, but soon.
                start = round(phrase["start"] * 100)
                weight[start: start + 3] = 0.3
                weight[start + 5: start + 20] = 2
        else:
            weight *= {"silence": 0.2, "babble": 8}.get(file["noise"], 3)
        for start in range(0, len(features), PIECE):
            part = slice(start, start + PIECE)
            counts = weight[part].copy()
            if start:
                # Nothing begins there, but memory does.
                counts[:50] = 0
            pieces.append((features[part], truth[part], counts))
        # Streams that begin in the middle, often of a word.
        starts = numpy.fromfile(folder / (file["file"] + ".starts"), "<f4").reshape(-1, START, FEATURES)
        for index, part in enumerate(starts):
            begin = START_DISTANCE * (index + 1)
            counts = weight[begin: begin + START].copy()
            counts[:3] = 0.3
            pieces.append((part, truth[begin: begin + START], counts))
    return pieces


def train(pieces, epochs=50, lanes=64, steps=100):
    """A rectified layer, a layer of gated recurrent units and a logistic output, by Adam with a falling rate."""
    random = numpy.random.default_rng(0)
    everything = numpy.concatenate([features for features, _, _ in pieces])
    mean, deviation = everything.mean(0), everything.std(0) + 1e-3
    pieces = [((features - mean) / deviation, truth, weight) for features, truth, weight in pieces]
    length = len(everything) // lanes // steps * steps
    values = [value.astype(numpy.float32) for value in (
        random.standard_normal((FEATURES, UNITS)) * (2 / FEATURES) ** 0.5, numpy.zeros(UNITS),
        random.standard_normal((UNITS, 3 * UNITS)) / UNITS ** 0.5, numpy.zeros(3 * UNITS),
        random.standard_normal((UNITS, 3 * UNITS)) / UNITS ** 0.5, numpy.zeros(UNITS),
        random.standard_normal(UNITS) * 0.1, numpy.zeros(1))]
    means = [numpy.zeros_like(value) for value in values]
    squares = [numpy.zeros_like(value) for value in values]
    done, total = 0, epochs * (length // steps)
    for epoch in range(epochs):
        chosen = [pieces[index] for index in random.permutation(len(pieces))]
        begins = numpy.zeros(len(everything), bool)
        begins[numpy.cumsum([0] + [len(piece[1]) for piece in chosen])[:-1]] = True
        x, y, w = (numpy.concatenate([piece[part] for piece in chosen]).astype(numpy.float32) for part in range(3))
        # A lane is heard from its beginning to its end; each step is all lanes at once.
        x, y, w, keep = (part[: lanes * length].reshape(lanes, length, *part.shape[1:]).swapaxes(0, 1)
                         for part in (x, y, w, (~begins).astype(numpy.float32)))
        state, losses = numpy.zeros((lanes, UNITS), numpy.float32), []
        for start in range(0, length, steps):
            window = slice(start, start + steps)
            heard = x[window] + JITTER * random.standard_normal(x[window].shape, numpy.float32)
            slopes, state, loss = slopes_of(values, heard, y[window], w[window], keep[window], state)
            losses.append(loss)
            norm = sum(float((slope ** 2).sum()) for slope in slopes) ** 0.5
            done += 1
            rate = 1.5e-3 * (1 + numpy.cos(numpy.pi * done / total)) * min(1, done / 200) + 1e-5
            for index, slope in enumerate(slopes):
                slope = slope * min(1, 1 / norm)
                means[index] = 0.9 * means[index] + 0.1 * slope
                squares[index] = 0.999 * squares[index] + 0.001 * slope * slope
                values[index] -= (rate * (means[index] / (1 - 0.9 ** done)) / (
                    numpy.sqrt(squares[index] / (1 - 0.999 ** done)) + 1e-8)).astype(numpy.float32)
        print("epoch %d: %.4f" % (epoch + 1, numpy.mean(losses)), file=sys.stderr, flush=True)
    values[1] = values[1] - (mean / deviation) @ values[0]
    values[0] = values[0] / deviation[:, None]
    return values


def logistic(x):
    return 0.5 + 0.5 * numpy.tanh(0.5 * x)


def slopes_of(values, x, y, w, keep, state):
    """The slopes of the loss over one window, the state after it, and the loss."""
    layer, layer_bias, into, into_bias, within, within_bias, last, last_bias = values
    steps, lanes, _ = x.shape
    first = numpy.maximum(x @ layer + layer_bias, 0)
    given = first @ into + into_bias
    states = numpy.empty((steps, lanes, UNITS), numpy.float32)
    before, gates, memories, candidates = (numpy.empty((steps, lanes, n), numpy.float32)
                                           for n in (UNITS, 2 * UNITS, UNITS, UNITS))
    for t in range(steps):
        state = state * keep[t][:, None]
        before[t] = state
        recurrent = state @ within
        gates[t] = logistic(given[t, :, : 2 * UNITS] + recurrent[:, : 2 * UNITS])
        memories[t] = recurrent[:, 2 * UNITS:] + within_bias
        candidates[t] = numpy.tanh(given[t, :, 2 * UNITS:] + gates[t, :, :UNITS] * memories[t])
        renewal = gates[t, :, UNITS:]
        state = states[t] = state + renewal * (candidates[t] - state)
    odds = states @ last + last_bias
    loss = float((w * (numpy.logaddexp(0, odds) - y * odds)).mean())
    error = (logistic(odds) - y) * w / (steps * lanes)
    to_states = error[:, :, None] * last
    to_given = numpy.empty_like(given)
    to_recurrent = numpy.empty_like(given)
    to_state = numpy.zeros((lanes, UNITS), numpy.float32)
    for t in range(steps - 1, -1, -1):
        to_state = to_state + to_states[t]
        reset, renewal = gates[t, :, :UNITS], gates[t, :, UNITS:]
        to_candidate = to_state * renewal * (1 - candidates[t] ** 2)
        to_given[t, :, :UNITS] = to_candidate * memories[t] * reset * (1 - reset)
        to_given[t, :, UNITS: 2 * UNITS] = to_state * (candidates[t] - before[t]) * renewal * (1 - renewal)
        to_given[t, :, 2 * UNITS:] = to_candidate
        to_recurrent[t] = to_given[t]
        to_recurrent[t, :, 2 * UNITS:] *= reset
        to_state = (to_state * (1 - renewal) + to_recurrent[t] @ within.T) * keep[t][:, None]
    flat = (steps * lanes, -1)
    to_first = (to_given @ into.T) * (first > 0)
    return [x.reshape(flat).T @ to_first.reshape(flat), to_first.sum((0, 1)),
            first.reshape(flat).T @ to_given.reshape(flat), to_given.sum((0, 1)),
            before.reshape(flat).T @ to_recurrent.reshape(flat), to_recurrent[:, :, 2 * UNITS:].sum((0, 1)),
            states.reshape(flat).T @ error.reshape(-1), error.sum(keepdims=True).reshape(1)], state, loss


def table(array):
    numbers = numpy.round(numpy.asarray(array).reshape(-1) * 512).astype(int)
    lines = textwrap.wrap(", ".join("%d" % number for number in numbers) + ",", 106)
    return "\n".join("    " + line for line in lines)


def write_speech(values):
    names = ["layer", "layerBias", "into", "intoBias", "within", "withinBias", "last", "lastBias"]
    print("""/// The weights of ``SpeechModel`` in 512ths, found by tools/turns/fit.py on the tuning set of the corpus of
/// `tools/bench turns`; row after row, a row for each number that comes in.
enum SpeechModelWeights {""")
    for name, value in zip(names[:-1], values):
        print(("" if name == names[0] else "\n") + f"  static let {name}: [Int16] = [\n{table(value)}\n  ]")
    print("\n  static let lastBias: Int16 = %d\n}" % round(float(values[-1][0]) * 512))


def moments(folder, half):
    """For each step of silence after a phrase: the silence, the pitch before it, and whether the turn was over."""
    rows = []
    for file in recordings(folder, half):
        if not file["phrases"]:
            continue
        steps = numpy.fromfile(folder / (file["file"] + ".moments"), "<f4").reshape(-1, 3)
        phrases = file["phrases"]
        for phrase, following in zip(phrases, phrases[1:]):
            stop = min(following["start"], phrase["end"] + 1.2) if phrase["ends"] else following["start"]
            inside = steps[(steps[:, 0] > phrase["start"]) & (steps[:, 0] <= stop) & (steps[:, 1] > 0)]
            for step in inside[inside[:, 1] < inside[:, 0] - phrase["start"]]:
                rows.append([*step[1:], phrase["ends"] and step[0] > phrase["end"]])
    return numpy.array(rows)


def fit_end(folder):
    def design(rows, mean):
        silence = rows[:, 0]
        bends = [numpy.maximum(silence - bend, 0) for bend in BENDS]
        return numpy.stack([numpy.ones(len(rows)), silence, *bends, rows[:, 1] - mean], 1)

    def loss(odds, truth):
        return -numpy.mean(numpy.log(1 / (1 + numpy.exp(-numpy.where(truth > 0, odds, -odds)))))

    rows, others = moments(folder, "tuning"), moments(folder, "development")
    mean = rows[:, 1].mean()
    for used in (4, 5):
        x, y = design(rows, mean)[:, :used], rows[:, 2]
        values = numpy.zeros(used)
        for _ in range(40):
            share = 1 / (1 + numpy.exp(-x @ values))
            curvature = (x * (share * (1 - share))[:, None]).T @ x + 0.001 * numpy.eye(used)
            values -= numpy.linalg.solve(curvature, x.T @ (share - y) + 0.001 * values)
        print("with the pitch" if used == 5 else "without", values.round(3), "loss %.4f" % loss(x @ values, y),
              "development %.4f" % loss(design(others, mean)[:, :used] @ values, others[:, 2]))
    print("mean pitch %.3f" % mean, "moments", len(rows), "ends %.2f" % rows[:, 2].mean())


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[2] not in ("speech", "end"):
        sys.exit(__doc__)
    if sys.argv[2] == "speech":
        write_speech(train(frames(pathlib.Path(sys.argv[1]))))
    else:
        fit_end(pathlib.Path(sys.argv[1]))
