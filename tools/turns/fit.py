#!/usr/bin/env python3
"""Fits the models of the local turn detector to the tuning half of the corpus.

usage: fit.py CORPUS speech >Sources/FluxServer/SpeechModelWeights.swift   after `TurnBench features CORPUS`
       fit.py CORPUS end                                                   after `TurnBench moments CORPUS`

`speech` trains the two layers of SpeechModel: each 10 ms frame is speech if a phrase of the corpus lies there. `end` prints the
coefficients of EndOfTurnModel: each 80 ms step of silence after a phrase is an end if the phrase was its turn's last; no more
than 1.2 s after it count, the shortest silence that follows a turn.
"""
import json
import pathlib
import sys
import textwrap

import numpy

FEATURES = 32


def recordings(folder, half):
    files = json.loads((folder / "corpus.json").read_text())
    return [file for file in files if file["half"] == half]


def frames(folder):
    """Features, whether they are speech, and how much each frame counts; every third frame."""
    inputs, truths, weights = [], [], []
    for file in recordings(folder, "tuning"):
        features = numpy.fromfile(folder / (file["file"] + ".features"), "<f4").reshape(-1, FEATURES)
        truth = numpy.zeros(len(features), numpy.float32)
        for phrase in file["phrases"]:
            truth[round(phrase["start"] * 100): round(phrase["end"] * 100)] = 1
        weight = numpy.ones(len(features), numpy.float32)
        if file["phrases"]:
            # Silence well away from speech should be heard as such.
            weight[numpy.convolve(truth, numpy.ones(61), "same") == 0] = 2
        else:
            weight *= {"silence": 0.2, "babble": 2, "sounds": 1}.get(file["noise"], 3)
        inputs.append(features[::3])
        truths.append(truth[::3])
        weights.append(weight[::3])
    return numpy.concatenate(inputs), numpy.concatenate(truths), numpy.concatenate(weights)


def train(inputs, truth, weight, hidden=(32, 16), epochs=14, batch=512):
    """Two rectified layers and a logistic output, by Adam with a falling rate."""
    random = numpy.random.default_rng(0)
    mean, deviation = inputs.mean(0), inputs.std(0) + 1e-3
    inputs = ((inputs - mean) / deviation).astype(numpy.float32)
    sizes = [inputs.shape[1], *hidden]
    values = []
    for rows, columns in zip(sizes, sizes[1:]):
        values += [random.standard_normal((rows, columns)) * (2 / rows) ** 0.5, numpy.zeros(columns)]
    values += [random.standard_normal(sizes[-1]) * 0.1, numpy.zeros(1)]
    values = [value.astype(numpy.float32) for value in values]
    means = [numpy.zeros_like(value) for value in values]
    squares = [numpy.zeros_like(value) for value in values]
    step, steps = 0, epochs * (len(inputs) // batch)
    for _ in range(epochs):
        order = random.permutation(len(inputs))
        for start in range(0, len(inputs) - batch, batch):
            chosen = order[start: start + batch]
            x, y, w = inputs[chosen], truth[chosen], weight[chosen]
            first = numpy.maximum(x @ values[0] + values[1], 0)
            second = numpy.maximum(first @ values[2] + values[3], 0)
            error = (1 / (1 + numpy.exp(-(second @ values[4] + values[5]))) - y) * w / batch
            to_second = numpy.outer(error, values[4]) * (second > 0)
            to_first = (to_second @ values[2].T) * (first > 0)
            slopes = [x.T @ to_first, to_first.sum(0), first.T @ to_second, to_second.sum(0), second.T @ error,
                      error.sum(keepdims=True)]
            step += 1
            rate = 1e-3 * (1 + numpy.cos(numpy.pi * step / steps)) + 1e-5
            for index, slope in enumerate(slopes):
                means[index] = 0.9 * means[index] + 0.1 * slope
                squares[index] = 0.999 * squares[index] + 0.001 * slope * slope
                values[index] -= rate * (means[index] / (1 - 0.9 ** step)) / (
                    numpy.sqrt(squares[index] / (1 - 0.999 ** step)) + 1e-8)
    values[1] = values[1] - (mean / deviation) @ values[0]
    values[0] = values[0] / deviation[:, None]
    return values


def table(array):
    lines = []
    for row in numpy.atleast_2d(array):
        lines += textwrap.wrap(", ".join("%.3f" % number for number in row) + ",", 100)
    return "\n".join("    " + line for line in lines)


def write_speech(values):
    print(f"""/// The weights of ``SpeechModel``, found by tools/turns/fit.py on the tuning half of the corpus of `tools/bench turns`.
enum SpeechModelWeights {{
  /// A row of 32 for each feature of ``SoundFeatures``, in its order.
  static let first: [Float] = [
{table(values[0])}
  ]

  static let firstBias: [Float] = [
{table(values[1])}
  ]

  /// A row of 16 for each number of the first layer.
  static let second: [Float] = [
{table(values[2])}
  ]

  static let secondBias: [Float] = [
{table(values[3])}
  ]

  static let last: [Float] = [
{table(values[4])}
  ]

  static let lastBias: Float = {values[5][0]:.3f}
}}""")


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
        return numpy.stack([numpy.ones(len(rows)), silence, numpy.maximum(silence - 0.5, 0), numpy.maximum(silence - 0.75, 0),
                            rows[:, 1] - mean], 1)

    def loss(odds, truth):
        return -numpy.mean(numpy.log(1 / (1 + numpy.exp(-numpy.where(truth > 0, odds, -odds)))))

    rows, others = moments(folder, "tuning"), moments(folder, "held-out")
    mean = rows[:, 1].mean()
    for used in (4, 5):
        x, y = design(rows, mean)[:, :used], rows[:, 2]
        values = numpy.zeros(used)
        for _ in range(40):
            share = 1 / (1 + numpy.exp(-x @ values))
            curvature = (x * (share * (1 - share))[:, None]).T @ x + 0.1 * numpy.eye(used)
            values -= numpy.linalg.solve(curvature, x.T @ (share - y) + 0.1 * values)
        print("with the pitch" if used == 5 else "without", values.round(3), "loss %.4f" % loss(x @ values, y),
              "held out %.4f" % loss(design(others, mean)[:, :used] @ values, others[:, 2]))
    print("mean pitch %.3f" % mean, "moments", len(rows), "ends %.2f" % rows[:, 2].mean())


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[2] not in ("speech", "end"):
        sys.exit(__doc__)
    if sys.argv[2] == "speech":
        write_speech(train(*frames(pathlib.Path(sys.argv[1]))))
    else:
        fit_end(pathlib.Path(sys.argv[1]))
