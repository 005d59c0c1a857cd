import ArgumentParser
import Glibc
import KernelABI
import Recording
import Replay
import SystemPackage
import TraceFormat

/// Runs one command line, and turns every failure into one line on stderr and an exit status of sysexits(3).
enum CommandLineTool {
  static let normalizer = ArgumentNormalizer(
    verbs: RRSCommand.verbs.map { $0.form }, globalOptions: GlobalOptions.forms,
    isTrace: { FileStatus.isDirectory($0) || TraceDirectory.isArchive($0) })

  /// `arguments` without the program's own name. Returns the exit status.
  static func run(_ arguments: [String]) -> Int32 {
    do {
      let normalized = try normalizer.normalize(arguments)
      guard !normalized.isEmpty else {
        StandardOutput.write(Array((RRSCommand.helpMessage() + "\n").utf8), to: STDERR_FILENO)
        return EX_USAGE
      }
      var command = try parse(normalized)
      try command.run()
      return EXIT_SUCCESS
    } catch {
      return report(error)
    }
  }

  private static func parse(_ normalized: [String]) throws -> any ParsableCommand {
    do {
      return try RRSCommand.parseAsRoot(normalized)
    } catch {
      guard RRSCommand.exitCode(for: error) != .success else { throw error }
      // The parser's own wording is several lines: an error, the usage, a hint.
      let message = RRSCommand.message(for: error).split(separator: "\n").joined(separator: " ")
      let isKnownVerb = RRSCommand.verbs.contains { $0.form.name == normalized[0] }
      throw UsageError(lowercasedFirst(message) + "; see 'rrs help\(isKnownVerb ? " " + normalized[0] : "")'")
    }
  }

  private static func lowercasedFirst(_ text: String) -> String {
    var trimmed = text
    while trimmed.last == "." { trimmed.removeLast() }
    return trimmed.prefix(1).lowercased() + trimmed.dropFirst()
  }

  /// Prints what went wrong, and says how rrs exits.
  static func report(_ error: any Error) -> Int32 {
    if let ending = error as? ProgramEnding { return ending.endProcess() }
    switch error {
    case let failure as CommandFailure:
      if !failure.message.isEmpty { warn(failure.message) }
      return failure.status
    case let usage as UsageError:
      warn(usage.description)
      return EX_USAGE
    case let divergence as Divergence:
      StandardOutput.write(Array((divergence.report + "\n").utf8), to: STDERR_FILENO)
      return ExitStatus.divergence
    case let failure as any ExplainedFailure:
      warn(failure.oneLine)
      return failure.exitStatus
    default:
      // Help, the version and completion scripts are "errors" of the parser with status 0.
      if RRSCommand.exitCode(for: error) == .success {
        StandardOutput.write(Array((RRSCommand.fullMessage(for: error) + "\n").utf8), to: STDOUT_FILENO)
        return EXIT_SUCCESS
      }
      warn(String(describing: error).split(separator: "\n").joined(separator: " "))
      return EX_SOFTWARE
    }
  }
}
