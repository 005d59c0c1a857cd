import ArgumentParser
import KernelABI

/// A verb of the command line.
protocol Verb: ParsableCommand {
  static var form: VerbForm { get }
}

/// The root of the command line.
struct RRSCommand: ParsableCommand {
  static let verbs: [any Verb.Type] = [
    RecordCommand.self, ReplayCommand.self, ProcessesCommand.self, DumpCommand.self, RerunCommand.self,
    ListCommand.self, RemoveCommand.self, MoveCommand.self, PackCommand.self, UnpackCommand.self,
    TraceInfoCommand.self, FileNameCommand.self, BuildIDCommand.self, VerifyCommand.self, RecoverCommand.self,
    CreateCheckpointsCommand.self, DoctorCommand.self, CPUFeaturesCommand.self, GDBInitCommand.self,
    LLDBInitCommand.self,
  ]

  static let configuration = CommandConfiguration(
    commandName: "rrs",
    abstract: "Record a program once; replay it exactly, as often as needed.",
    usage: """
      rrs record [<options>] [--] <program> [<arguments> ...]
      rrs replay [<options>] [<trace>] [-- <options of gdb> ...]
      rrs <command> [<options>] [<arguments> ...]
      """,
    discussion: """
      rrs PROGRAM … is rrs record PROGRAM …, and rrs DIRECTORY is rrs replay DIRECTORY. Traces lie in $RRS_TRACE_DIR, \
      else in $XDG_DATA_HOME/rrs, else in ~/.local/share/rrs; where a command takes a trace, none means the latest.
      """,
    version: "rrs version " + RRSVersion.current,
    subcommands: verbs,
    helpNames: [.short, .long])

  @Flag(name: [.customShort("L"), .customLong("list-commands")], help: "List the commands.")
  var listCommands = false

  func run() throws {
    guard listCommands else { throw UsageError("no command; 'rrs help' lists them") }
    var output = StandardOutput()
    let width = Self.verbs.map { $0.form.name.count }.max() ?? 0
    for verb in Self.verbs {
      output.print(TextFormat.padded(verb.form.name, toRight: width + 2) + verb.configuration.abstract)
    }
  }
}

extension VerbForm {
  /// The configuration that a verb shares with the others: help by `--help` alone, since `-h` means other things in rr.
  static func configuration(_ name: String, abstract: String, discussion: String = "") -> CommandConfiguration {
    CommandConfiguration(commandName: name, abstract: abstract, discussion: discussion, helpNames: .long)
  }
}

extension CompletionKind {
  /// The names of the traces in the trace directory.
  static let traces = CompletionKind.shellCommand("rrs ls 2>/dev/null")
}
