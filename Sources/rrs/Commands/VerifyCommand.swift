import ArgumentParser
import Glibc
import TraceFormat

/// `rrs verify`
struct VerifyCommand: Verb {
  static let form = VerbForm(name: "verify", options: [.flag("records")])

  static let configuration = VerbForm.configuration(
    "verify", abstract: "Check that a trace is whole and unaltered.",
    discussion: "The exit status is 0 for an unaltered trace, even one that was cut short, and 65 for a damaged one.")

  @Flag(
    name: .customLong("records"),
    help: "Decompress every block and decode every record, too: for who doubts the recorder, not the disk. Slower.")
  var records = false

  @Argument(help: "The trace. (default: the latest)", completion: .traces)
  var trace: String?

  func run() throws {
    let directory = try TraceDirectory().resolve(trace)
    let progress = ProgressBar()
    let isTerminal = isatty(STDERR_FILENO) != 0
    let result = try verifyTrace(directory: directory, checksRecords: records) { fraction in
      if isTerminal { progress.update(fraction: fraction) }
    }
    progress.clear()
    guard result.isUnaltered else {
      for problem in result.problems { warn(problem.description) }
      let last = result.lastGoodEvent
      let whole = last == 0 ? "no event is proven whole" : "events 1 to \(last) are whole"
      throw CommandFailure(message: "'\(directory)' is damaged; \(whole)", status: EX_DATAERR)
    }
    guard result.checkpointProblems.isEmpty else {
      for problem in result.checkpointProblems { warn(problem.description) }
      throw CommandFailure(
        message: "'\(directory)' is unaltered, but for its checkpoints; 'rrs rm --checkpoints' deletes those",
        status: EX_DATAERR)
    }
    var output = StandardOutput()
    let ending = result.isCutShort ? "it was cut short, its last event is" : "its last event is"
    output.print("'\(directory)' is unaltered: \(ending) \(result.lastGoodEvent)")
    let size = TextFormat.byteCount(result.goodByteCount)
    output.print("\(result.goodBlockCount) blocks with \(size)B, \(result.storedFileCount) stored files")
  }
}
