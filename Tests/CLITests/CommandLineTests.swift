import Foundation
import TestSupport
import Testing

/// What the built rrs says to command lines that are wrong, and to those that ask for help.
@Suite struct CommandLineTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory("cli") }

  /// Runs rrs with a trace directory of this suite.
  func rrs(_ line: String) throws -> CommandResult {
    try RRSCommand.run(
      line.split(separator: " ").map(String.init), directory: directory.path,
      environment: ["RRS_TRACE_DIR": directory.file("no-traces")])
  }

  /// The line, the exit status of sysexits(3), and what the message must hold.
  @Test(arguments: [
    ("record", 64, "no program"), ("record -z ls", 64, "unknown option '-z'"), ("record --bogus ls", 64, "'--bogus'"),
    ("record -o", 64, "needs a value"), ("record --num-cores=0 ls", 64, "1 to 128"),
    ("record --num-cores=x ls", 64, "'x'"), ("record -c 0 ls", 64, "1000000000"),
    ("record -p 77 ls", 64, "descriptor 77"),
    ("record -v NAME ls", 64, "NAME=VALUE"), ("record -t SIGBOGUS ls", 64, "'SIGBOGUS'"),
    ("record --bind-to-cpu=x ls", 64, "no processor"), ("record --trace-id=12 ls", 64, "UUID"),
    ("record --nested=maybe ls", 64, "'maybe'"), ("record --cpu v5 ls", 64, "'v5'"),
    ("record --disable-cpuid-features 1,2,3 ls", 64, "up to 2"),
    ("record --disable-cpuid-features-xsave x ls", 64, "'x'"),
    ("record --disable-cpuid-features-ext=0x100000000 ls", 64, "up to 3"),
    ("record --engine=native --disable-avx-512 ls", 69, "can't be hidden"),
    ("record --engine=native --cpu x86-64-v2 ls", 69, "can't be hidden"),
    ("record -C x ls", 64, "on-all-events"),
    ("record no-such-program-here", 69, "cannot execute"), ("record /etc/hostname", 69, "cannot execute"),
    ("no-such-program-here", 69, "cannot execute"), ("record -o /proc/nope ls", 73, "/proc/nope"),
    ("replay", 66, "latest-trace"), ("replay -a", 66, "latest-trace"), ("replay -a nope", 66, "nope"),
    ("replay -a -g x", 64, "'x'"), ("replay -a /etc", 65, "not a trace"), ("/etc -a", 65, "not a trace"),
    ("ps nope", 66, "nope"), ("ps a b", 64, "'b'"), ("dump nope", 66, "nope"), ("dump -r --json", 64, "--json"),
    ("ls nope", 66, "nope"), ("rm", 64, "no trace"), ("rm nope", 66, "nope"), ("rm /etc", 65, "not a trace"),
    ("mv nope", 64, "new-name"), ("mv nope new", 66, "nope"), ("traceinfo nope", 66, "nope"),
    ("verify nope", 66, "nope"), ("filename nope", 66, "nope"), ("filename /etc/hostname", 65, "files directory"),
  ])
  func mistakesAreOneLineWithTheRightStatus(_ line: String, _ status: Int32, _ text: String) throws {
    let result = try rrs(line)
    #expect(result.status == .exited(status), "\(result)")
    #expect(result.output.isEmpty, "\(result)")
    #expect(result.errorText.hasPrefix("rrs: "), "\(result)")
    #expect(result.errorText.contains(text), "\(result)")
    #expect(result.errorText.filter { $0 == "\n" }.count == 1, "\(result)")
  }

  @Test func nothingIsMadeByMistakes() throws {
    let directory = try TemporaryDirectory("cli-mistakes")
    let environment = ["RRS_TRACE_DIR": directory.file("traces")]
    for line in ["record -c 0 ls", "record no-such-program-here", "record /etc/hostname"] {
      _ = try RRSCommand.run(line.split(separator: " ").map(String.init), environment: environment)
      #expect(TemporaryDirectory.contents(directory.file("traces")).isEmpty, "after \(line)")
    }
  }

  @Test func withoutArgumentsItShowsItsHelp() throws {
    let result = try rrs("")
    #expect(result.status == .exited(64))
    #expect(result.errorText.contains("USAGE"))
  }

  @Test(arguments: [
    "--help", "-h", "help", "help record", "record --help", "replay --help", "help dump", "--version", "-N", "-L",
  ])
  func helpSucceeds(_ line: String) throws {
    let result = try rrs(line)
    #expect(result.isSuccess, "\(result)")
    #expect(result.errors.isEmpty, "\(result)")
    #expect(!result.output.isEmpty, "\(result)")
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreMade(_ shell: String) throws {
    let result = try rrs("--generate-completion-script \(shell)")
    #expect(result.isSuccess && result.outputText.contains("record"), "\(result)")
  }

  /// The forms that the normaliser knows are those that the parser declares.
  @Test func everyVerbDeclaresWhatTheNormalizerAccepts() throws {
    struct Tool: Decodable {
      struct Name: Decodable { var kind: String; var name: String }
      struct Argument: Decodable { var kind: String; var names: [Name]? }
      struct Command: Decodable { var commandName: String; var arguments: [Argument]?; var subcommands: [Command]? }
      var command: Command
    }
    let dump = try rrs("--experimental-dump-help")
    let tool = try JSONDecoder().decode(Tool.self, from: Data(dump.output))
    for verb in tool.command.subcommands ?? [] where verb.commandName != "help" {
      for argument in verb.arguments ?? [] where argument.kind != "positional" {
        for name in argument.names ?? [] where !["help", "version"].contains(name.name) {
          let spelled = name.kind == "long" ? "--\(name.name)" : "-\(name.name)"
          // An option that the normaliser doesn't know is refused by name.
          let line = "\(verb.commandName) \(spelled)\(argument.kind == "option" ? "=1" : "") --no-such-option"
          let result = try rrs(line)
          #expect(result.errorText.contains("unknown option '--no-such-option'"), "\(line): \(result)")
        }
      }
    }
  }
}
