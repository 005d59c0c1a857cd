import ArgumentParser
import Glibc
import TraceFormat

/// `rrs recover`
struct RecoverCommand: Verb {
  static let form = VerbForm(name: "recover", options: [.flag("force", "f")])

  static let configuration = VerbForm.configuration(
    "recover", abstract: "Give a trace that was cut short, or is damaged, an end at its last whole event.",
    discussion: """
      For a recording whose recorder was killed or had no disk space left, and for what is left of a damaged one. What \
      is cut off a damaged trace stays in its directory 'lost'. A trace that is whole isn't touched.
      """)

  @Flag(
    name: [.customShort("f"), .customLong("force")],
    help: "Go on where a mapped file is missing or another, and give up all events from its mapping on.")
  var force = false

  @Argument(help: "The trace, as a path or as a name that 'rrs ls' shows.", completion: .traces)
  var trace: String

  func run() throws {
    let directory = try TraceDirectory().resolveDirectory(trace)
    let progress = ProgressBar()
    let isTerminal = isatty(STDERR_FILENO) != 0
    let result = try recoverTrace(directory: directory, allowsFileLoss: force) { fraction in
      if isTerminal { progress.update(fraction: fraction) }
    }
    progress.clear()
    var output = StandardOutput()
    guard let result else {
      output.print("'\(directory)' is whole: there is nothing to recover")
      return
    }
    output.print("'\(directory)' ends behind event \(result.lastGoodEvent) now")
    for cut in result.cuts {
      output.print("cut off: \(cut.byteCount - cut.offset) of \(cut.byteCount) bytes of '\(cut.stream)'")
    }
    if let lost = result.lostDirectory { output.print("what was cut off is in '\(lost)'") }
  }
}
