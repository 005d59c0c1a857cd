import Foundation
import TestSupport
import Testing

/// What a user types to gdb, and what it is to answer. As a text:
///
///     > continue
///     Breakpoint 1, total (count=…)
///     ! SIGSEGV
///
/// A line with "> " is typed. The lines below it must be parts of its answer, in this order, where "…" stands for any
/// characters; after "! " is what the answer must not have.
struct Dialogue {
  struct Turn {
    var command: String
    var expected: [String] = []
    var unexpected: [String] = []
  }

  var turns: [Turn] = []

  init(_ text: String) {
    for line in text.split(separator: "\n").map({ $0.trimmingCharacters(in: .whitespaces) }) where !line.isEmpty {
      if line.hasPrefix("> ") {
        turns.append(Turn(command: String(line.dropFirst(2))))
      } else if turns.isEmpty {
        turns.append(Turn(command: "", expected: [line]))
      } else if line.hasPrefix("! ") {
        turns[turns.count - 1].unexpected.append(String(line.dropFirst(2)))
      } else {
        turns[turns.count - 1].expected.append(line)
      }
    }
  }

  /// gdb says each command again before its answer, on a line that begins with "+".
  static let preparation = """
    set width 0
    set height 0
    set confirm off
    set debuginfod enabled off
    set trace-commands on

    """

  var script: String { Self.preparation + turns.map { $0.command + "\n" }.joined() }

  /// What differs from the dialogue, and the answers.
  func compare(_ output: String) -> (problems: [String], answers: Answers) {
    var problems: [String] = []
    var rest = Substring(output)
    var answers: [(command: String, text: String)] = []
    for turn in turns {
      let echo = "+\(turn.command)\n"
      guard let found = rest.range(of: echo) else {
        problems.append("gdb didn't come to '\(turn.command)'")
        break
      }
      if !answers.isEmpty { answers[answers.count - 1].text = String(rest[..<found.lowerBound]) }
      answers.append((turn.command, ""))
      rest = rest[found.upperBound...]
    }
    if !answers.isEmpty { answers[answers.count - 1].text = String(rest) }
    for (turn, answer) in zip(turns, answers) {
      var position = answer.text.startIndex
      for part in turn.expected.flatMap({ $0.components(separatedBy: "…") }) where !part.isEmpty {
        guard let found = answer.text.range(of: part, range: position..<answer.text.endIndex) else {
          problems.append("'\(turn.command)' doesn't show '\(part)'")
          break
        }
        position = found.upperBound
      }
      for text in turn.unexpected where answer.text.contains(text) {
        problems.append("'\(turn.command)' shows '\(text)'")
      }
    }
    return (problems, Answers(all: answers))
  }
}

/// What gdb answered.
struct Answers {
  var all: [(command: String, text: String)]

  /// The answers to a command, in order, without the next prompt.
  func to(_ command: String) -> [String] {
    all.filter { $0.command == command }.map {
      $0.text.replacingOccurrences(of: "(rrs) ", with: "").trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }
}
