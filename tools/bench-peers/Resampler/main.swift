// The speed of fluxgraph's own resampler, mono, in blocks of 20 ms. Compiled together with the sources of AudioDSP.
//
// usage: resampler FROM TO sse2|avx2
// Prints: millions of input samples per CPU second, the median of seven runs.
import Glibc

func cpuSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

guard CommandLine.arguments.count == 4, let from = Int(CommandLine.arguments[1]), let to = Int(CommandLine.arguments[2])
else { exit(64) }
let block = from / 50
var generator = SystemRandomNumberGenerator()
let samples = (0..<block * 500).map { _ in Float.random(in: -0.5...0.5, using: &generator) }
let rates = (0..<7).map { _ in
  var resampler = Resampler(from: from, to: to, channels: 1, mayUseAVX2: CommandLine.arguments[3] == "avx2")
  var output = [Float](repeating: 0, count: block * to / from + 2)
  let begin = cpuSeconds()
  var count = 0
  while cpuSeconds() - begin < 0.3 {
    for start in stride(from: 0, to: samples.count, by: block) {
      var room = output.mutableSpan
      let (consumed, _) = resampler.process(samples.span.extracting(start..<start + block), into: &room)
      precondition(consumed == block)
    }
    count += samples.count
  }
  return Double(count) / (cpuSeconds() - begin) / 1e6
}
print(rates.sorted()[3])
