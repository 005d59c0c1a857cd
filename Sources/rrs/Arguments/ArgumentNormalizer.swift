/// Turns the forms of options that users of rr write into the one form that swift-argument-parser is given.
///
/// Allowed everywhere: `-xV`, `-x V`, `-x=V`, `--long=V`, `--long V`, flags in one cluster (`-ltr`), `--` as the end of
/// the options, and global options before or after the verb. Where no verb is given, a directory means `replay` and
/// everything else `record`. The result is `VERB --long=V … -- ARGUMENT…`.
package struct ArgumentNormalizer: Sendable {
  package var verbs: [VerbForm]
  package var globalOptions: [OptionForm]
  package var isTrace: @Sendable (String) -> Bool

  package init(verbs: [VerbForm], globalOptions: [OptionForm], isTrace: @escaping @Sendable (String) -> Bool) {
    self.verbs = verbs
    self.globalOptions = globalOptions
    self.isTrace = isTrace
  }

  /// Options of the tool itself: handed on as they are, without a verb.
  private static let rootOptions = ["--generate-completion-script", "--experimental-dump-help"]

  /// `arguments` without the program's own name.
  package func normalize(_ arguments: [String]) throws(UsageError) -> [String] {
    var scanner = OptionScanner(arguments: arguments, options: globalOptions, place: "rrs")
    var global: [String] = []
    while let next = scanner.peek() {
      switch next {
      case "-h", "--help": return ["--help"]
      case "help": return ["help"] + arguments[(scanner.index + 1)...]
      case "-N", "--version": return ["--version"]
      case "-L", "--list-commands": return ["--list-commands"]
      default: break
      }
      if Self.rootOptions.contains(where: { next == $0 || next.hasPrefix($0 + "=") }) {
        return Array(arguments[scanner.index...])
      }
      guard OptionScanner.isOption(next), next != "--", try scanner.recognizesNext() else { break }
      try scanner.takeOptions(into: &global)
    }
    let rest = Array(arguments[scanner.index...])
    guard let first = rest.first else { return [] }
    if let verb = verbs.first(where: { $0.name == first }) {
      return try normalize(verb, global: global, rest: Array(rest.dropFirst()))
    }
    return try normalize(guessedVerb(for: rest), global: global, rest: rest)
  }

  /// What rr guesses: a directory, or an archive of one, is replayed, everything else is recorded.
  private func guessedVerb(for rest: [String]) throws(UsageError) -> VerbForm {
    var firstFailure: UsageError?
    for (name, wantsTrace) in [("record", false), ("replay", true)] {
      guard let verb = verbs.first(where: { $0.name == name }) else { continue }
      var scanner = OptionScanner(arguments: rest, options: verb.options + globalOptions, place: name)
      var ignored: [String] = []
      do {
        while let next = scanner.peek(), OptionScanner.isOption(next), next != "--" {
          try scanner.takeOptions(into: &ignored)
        }
      } catch {
        firstFailure = firstFailure ?? error
        continue
      }
      if scanner.peek() == "--" { scanner.index += 1 }
      if let target = scanner.peek(), isTrace(target) == wantsTrace { return verb }
    }
    throw firstFailure ?? UsageError("no program to record and no trace to replay; 'rrs help' lists the commands")
  }

  private func normalize(_ verb: VerbForm, global: [String], rest: [String]) throws(UsageError) -> [String] {
    var scanner = OptionScanner(arguments: rest, options: verb.options + globalOptions, place: verb.name)
    var options = global
    var positional: [String] = []
    while let next = scanner.peek() {
      if next == "--" {
        let last = rest[(scanner.index + 1)...]
        if let option = verb.restOption { options += last.map { "--\(option)=\($0)" } } else { positional += last }
        break
      }
      if next == "--help" { return ["help", verb.name] }
      if OptionScanner.isOption(next) {
        try scanner.takeOptions(into: &options)
      } else if verb.endsAtProgram {
        positional += rest[scanner.index...]
        break
      } else {
        positional.append(next)
        scanner.index += 1
      }
    }
    return [verb.name] + options + (positional.isEmpty ? [] : ["--"] + positional)
  }
}

/// Reads options one argument at a time.
struct OptionScanner {
  var arguments: [String]
  var options: [OptionForm]
  /// The verb, for messages; `rrs` outside of one.
  var place: String
  var index = 0

  init(arguments: [String], options: [OptionForm], place: String) {
    self.arguments = arguments
    self.options = options
    self.place = place
  }

  static func isOption(_ argument: String) -> Bool { argument.hasPrefix("-") && argument != "-" }

  func peek() -> String? { index < arguments.count ? arguments[index] : nil }

  /// Whether the next argument is one of these options, or a cluster that starts with one.
  func recognizesNext() throws(UsageError) -> Bool {
    guard let argument = peek() else { return false }
    if argument.hasPrefix("--") {
      let name = argument.dropFirst(2).prefix { $0 != "=" }
      return options.contains { $0.long == name }
    }
    let first = argument.dropFirst().first
    return options.contains { $0.short != nil && $0.short == first }
  }

  /// Takes one argument (and the next one, where that is its value), and appends it in long form.
  mutating func takeOptions(into result: inout [String]) throws(UsageError) {
    let argument = arguments[index]
    index += 1
    if argument.hasPrefix("--") {
      try takeLong(argument, into: &result)
    } else {
      try takeCluster(argument, into: &result)
    }
  }

  private mutating func takeLong(_ argument: String, into result: inout [String]) throws(UsageError) {
    let body = argument.dropFirst(2)
    let name = String(body.prefix { $0 != "=" })
    guard let option = options.first(where: { $0.long == name }) else { throw unknown("--" + name) }
    let attached = body.firstIndex(of: "=").map { String(body[body.index(after: $0)...]) }
    if option.takesValue {
      let value = if let attached { attached } else { try nextValue(of: "--" + name) }
      result.append("--\(name)=\(value)")
    } else if attached != nil {
      throw UsageError("option '--\(name)' takes no value; \(advice)")
    } else {
      result.append("--" + name)
    }
  }

  private mutating func takeCluster(_ argument: String, into result: inout [String]) throws(UsageError) {
    var letters = argument.dropFirst()
    while let letter = letters.popFirst() {
      guard let option = options.first(where: { $0.short == letter }) else { throw unknown("-\(letter)") }
      guard option.takesValue else {
        result.append("--" + option.long)
        continue
      }
      let hasEqualsSign = letters.first == "="
      if hasEqualsSign { letters = letters.dropFirst() }
      let isAttached = hasEqualsSign || !letters.isEmpty
      let value = if isAttached { String(letters) } else { try nextValue(of: "-\(letter)") }
      result.append("--\(option.long)=\(value)")
      return
    }
  }

  private mutating func nextValue(of option: String) throws(UsageError) -> String {
    guard index < arguments.count else { throw UsageError("option '\(option)' needs a value; \(advice)") }
    defer { index += 1 }
    return arguments[index]
  }

  private func unknown(_ option: String) -> UsageError {
    UsageError("unknown option '\(option)'; \(advice)")
  }

  private var advice: String { place == "rrs" ? "see 'rrs help'" : "see 'rrs help \(place)'" }
}
