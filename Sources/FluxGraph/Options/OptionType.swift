/// The type of an option as people and tools see it: what may be written, and how it is shown.
public indirect enum OptionType: Sendable, Hashable {
  /// A word that stands alone: there or not.
  case flag
  /// A whole number.
  case integer
  /// A number.
  case number
  /// A text, quoted where it has blanks.
  case text
  /// A text with `{field}` parts.
  case template
  /// A path, relative to the graph file.
  case path
  /// A path with `{field}` parts.
  case pathTemplate
  /// The address of a service.
  case url
  /// Where a stage listens.
  case address
  /// A time with a unit: `80ms`.
  case duration
  /// A level: `-3dB`.
  case decibels
  /// Frames a second: `16k`.
  case sampleRate
  /// A size: `64MB`.
  case byteCount
  /// A multiple of real time: `1.25x`.
  case speed
  /// A frequency: `440Hz`.
  case frequency
  /// What must not be seen: `env(NAME)`.
  case secret
  /// A line of a request's head, of which only the name is shown: `"X-Room: 7"`.
  case header
  /// Samples without a header: `pcm(s16le, 16k, mono)`.
  case audioFormat
  /// A condition on events.
  case predicate
  /// One of a closed set of words.
  case enumeration([String])
  /// Several values of one type, in brackets.
  case list(OptionType)
  /// A value of one type or the other, told apart by how it is written.
  case either(OptionType, OptionType)

  /// What the type is called in messages, with an article: "a duration".
  public var noun: String {
    switch self {
    case .flag: "a flag"
    case .integer: "a whole number"
    case .number: "a number"
    case .text: "a text"
    case .template: "a text template"
    case .path: "a path"
    case .pathTemplate: "a path template"
    case .url: "a URL"
    case .address: "an address and a port"
    case .duration: "a duration"
    case .decibels: "a level in decibels"
    case .sampleRate: "a sample rate"
    case .byteCount: "a size"
    case .speed: "a multiple of real time"
    case .frequency: "a frequency"
    case .secret: "a secret"
    case .header: "a header"
    case .audioFormat: "an audio format"
    case .predicate: "a predicate"
    case .enumeration(let names): names.count == 1 ? names[0] : "one of " + names.joined(separator: ", ")
    case .list(let element): "a list of " + element.plural
    case .either(let one, let other): one.noun + " or " + other.noun
    }
  }

  /// The type in a signature: `duration`, `s16le|f32le`, `[text]`.
  public var signature: String {
    switch self {
    case .flag: "flag"
    case .integer: "integer"
    case .number: "number"
    case .text: "text"
    case .template: "template"
    case .path: "path"
    case .pathTemplate: "path-template"
    case .url: "url"
    case .address: "address:port"
    case .duration: "duration"
    case .decibels: "decibels"
    case .sampleRate: "rate"
    case .byteCount: "size"
    case .speed: "speed"
    case .frequency: "frequency"
    case .secret: "secret"
    case .header: "header"
    case .audioFormat: "pcm"
    case .predicate: "predicate"
    case .enumeration(let names): names.joined(separator: "|")
    case .list(let element): "[\(element.signature)]"
    case .either(let one, let other): one.signature + "|" + other.signature
    }
  }

  /// A value of the type, as a graph writes it.
  public var sample: String {
    switch self {
    case .flag: ""
    case .integer: "3"
    case .number: "0.7"
    case .text: "\"text\""
    case .template: "\"{transcript}\""
    case .path: "talk.opus"
    case .pathTemplate: "logs/{date}.jsonl"
    case .url: "https://example.com/turns"
    case .address: "127.0.0.1:8090"
    case .duration: "5s"
    case .decibels: "-3dB"
    case .sampleRate: "16k"
    case .byteCount: "64MB"
    case .speed: "1x"
    case .frequency: "440Hz"
    case .secret: "env(NAME)"
    case .header: "\"X-Room: 7\""
    case .audioFormat: "pcm(s16le, 16k, mono)"
    case .predicate: "event == EndOfTurn"
    case .enumeration(let names): names.first ?? ""
    case .list(let element): "[\(element.sample)]"
    case .either(let one, _): one.sample
    }
  }

  private var plural: String {
    switch self {
    case .text: "texts"
    case .integer: "whole numbers"
    case .number: "numbers"
    case .duration: "durations"
    case .path: "paths"
    case .url: "URLs"
    case .address: "addresses and ports"
    case .enumeration(let names): "words out of " + names.joined(separator: ", ")
    case .either(let one, let other): one.plural + " or " + other.plural
    default: String(noun.drop { $0 != " " }.dropFirst()) + "s"
    }
  }
}
