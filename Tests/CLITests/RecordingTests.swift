import Foundation
import TestSupport
import Testing

/// `record` and `replay`, seen from outside.
@Suite(.serialized) struct RecordingTests {
  let directory: TemporaryDirectory
  let environment: [String: String]

  init() throws {
    directory = try TemporaryDirectory("cli-record")
    environment = ["RRS_TRACE_DIR": directory.file("traces"), "PATH": TestEnvironment.searchPath]
  }

  func rrs(_ arguments: String..., input: String = "/dev/null") throws -> CommandResult {
    try RRSCommand.run(arguments, directory: directory.path, environment: environment, input: input)
  }

  @Test func theTraceIsAnnouncedAndBecomesTheLatest() throws {
    let recording = try rrs("record", "echo", "hello")
    let trace = directory.file("traces/echo-0")
    #expect(recording.outputText == "hello\n")
    #expect(recording.errorText == "rrs: Saving execution to trace directory '\(trace)'.\n")
    let link = try FileManager.default.destinationOfSymbolicLink(atPath: directory.file("traces/latest-trace"))
    #expect(link.hasSuffix("echo-0"))
    #expect(try rrs("replay", "-a").outputText == "hello\n")
    #expect(try rrs("replay", "-a", "echo-0").outputText == "hello\n")
    #expect(try rrs(trace, "-a").outputText == "hello\n")
    #expect(try rrs("echo", "again").errorText.contains("echo-1"))
    #expect(try rrs("replay", "-a").outputText == "again\n")
  }

  /// What the dynamic linker makes of cpuid, `xgetbv` and the size of its area for saved state; replays see the same.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: Self.linker), "no glibc"))
  func hiddenFeaturesAreNotThere() throws {
    func levels(_ options: String...) throws -> Set<String> {
      let command = ["record", "--engine=software"] + options + [Self.linker, "--help"]
      let recording = try RRSCommand.run(command, directory: directory.path, environment: environment)
      #expect(recording.isSuccess, "\(recording)")
      #expect(try rrs("replay", "-a").outputText == recording.outputText)
      let lines = recording.outputText.split(separator: "\n").filter { $0.contains("(supported") }
      return Set(lines.compactMap { $0.split(separator: " ").first.map(String.init) }.filter { $0.hasPrefix("x86-64-v") })
    }
    let machine = try levels()
    #expect(try levels("--cpu=x86-64").isEmpty)
    #expect(try levels("--cpu=v2") == machine.intersection(["x86-64-v2"]))
    #expect(try levels("--cpu=v3") == machine.intersection(["x86-64-v2", "x86-64-v3"]))
    #expect(try levels("--disable-avx-512") == machine.subtracting(["x86-64-v4"]))
    #expect(try levels("--disable-cpuid-features=0x10000000") == machine.intersection(["x86-64-v2"]))  // AVX
  }

  static let linker = "/lib64/ld-linux-x86-64.so.2"

  /// Two stops a system call, those before and after it, are all that it may cost; a call that rrs answers needs one.
  @Test func statisticsCountStops() throws {
    let recording = try rrs("record", "--stats", "dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=500")
    let lines = recording.errorText.split(separator: "\n").filter { $0.hasPrefix("rrs: ") }.map { line in
      line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
    }
    // What the engine did follows.
    try #require(lines.count >= 4, "\(recording)")
    let (all, calls, others) = (lines[1], lines[2], lines[3])
    #expect(calls[0] > 1000 && (calls[0]...2 * calls[0]).contains(calls[1]), "\(recording)")
    #expect(all[1] == calls[1] + others.reduce(0, +), "\(recording)")
    #expect(all[2] * 100 + all[3] == (all[1] * 100 + all[0] / 2) / all[0], "\(recording)")
    #expect(try rrs("dump", "end").outputText.contains(" \(all[0]) "), "\(recording)")
    let replay = try rrs("replay", "-a", "-q", "--stats=\(all[0])")
    #expect(replay.errorText.contains("event \(all[0]), "), "\(replay)")
    #expect(!(try rrs("record", "true").errorText.contains("stops")))
  }

  @Test(arguments: [0, 1, 3, 255])
  func theExitStatusIsTheProgramsOwn(_ status: Int32) throws {
    #expect(try rrs("record", "sh", "-c", "exit \(status)").status == .exited(status))
    #expect(try rrs("replay", "-a").status == .exited(status))
  }

  @Test(arguments: [SIGTERM, SIGKILL, SIGSEGV, SIGUSR1, SIGPIPE])
  func theSignalIsTheProgramsOwn(_ signal: Int32) throws {
    #expect(try rrs("record", "sh", "-c", "kill -\(signal) $$").status == .killed(signal))
    #expect(try rrs("replay", "-a").status == .killed(signal))
    #expect(!TemporaryDirectory.contents(directory.path).contains { $0.hasPrefix("core") })
  }

  @Test func anExactDirectoryIsUsedAsItIs() throws {
    let trace = directory.file("exact")
    #expect(try rrs("record", "-o", trace, "true").isSuccess)
    #expect(!FileManager.default.fileExists(atPath: directory.file("traces/latest-trace")))
    #expect(try rrs("replay", "-a", "exact").isSuccess)
    let again = try rrs("record", "-o" + trace, "true")
    #expect(again.status == .exited(73) && again.errorText.contains("isn't empty"), "\(again)")
  }

  @Test func theDirectoryIsPrintedToADescriptor() throws {
    let script = "exec 7>printed; '\(RRSCommand.path)' record -p 7 sh -c 'ls -l /proc/self/fd; :' ; exit $?"
    let result = try run(["sh", "-c", script], directory: directory.path, environment: environment)
    #expect(result.isSuccess, "\(result)")
    let printed = try String(contentsOfFile: directory.file("printed"), encoding: .utf8)
    #expect(printed == directory.file("traces/sh-0") + "\n")
    #expect(!result.outputText.contains("/printed"), "the program has inherited the descriptor: \(result)")
  }

  @Test func theEnvironmentIsSet() throws {
    let result = try rrs("record", "-v", "A=1", "--env=B=x=y", "-vC=", "env")
    let lines = Set(result.outputText.split(separator: "\n").map(String.init))
    #expect(lines.isSuperset(of: ["A=1", "B=x=y", "C=", "RUNNING_UNDER_RRS=1"]), "\(result)")
  }

  @Test func standardInputIsThePrograms() throws {
    let file = try directory.write("one\ntwo\n", to: "input")
    #expect(try rrs("record", "cat", input: file).outputText == "one\ntwo\n")
    #expect(try rrs("replay", "-a").outputText == "one\ntwo\n")
  }

  @Test func aRecordingWithinARecordingIsRefusedOrJoined() throws {
    let refused = try rrs("record", RRSCommand.path, "record", "true")
    #expect(refused.status == .exited(64) && refused.errorText.contains("--nested=ignore"), "\(refused)")
    let joined = try rrs("record", RRSCommand.path, "record", "--nested=ignore", "echo", "inner")
    #expect(joined.isSuccess && joined.outputText == "inner\n", "\(joined)")
    #expect(try rrs("replay", "-a").outputText == "inner\n")
    let impossible = try rrs("record", RRSCommand.path, "record", "--nested=detach", "true")
    #expect(impossible.status == .exited(69), "\(impossible)")
  }

  @Test func replayCanStopEarlyStayQuietAndWriteElsewhere() throws {
    _ = try rrs("record", "sh", "-c", "echo out; echo err >&2; exit 4")
    let quiet = try rrs("replay", "-a", "-q")
    #expect(quiet.status == .exited(4) && quiet.output.isEmpty && quiet.errors.isEmpty, "\(quiet)")
    let both = try rrs("replay", "-a")
    #expect(both.outputText == "out\n" && both.errorText == "err\n", "\(both)")
    let stopped = try rrs("replay", "-a", "-g", "3")
    #expect(stopped.status == .exited(0) && stopped.output.isEmpty, "\(stopped)")
    let redirected = try rrs("replay", "-a", "--tty", "shown")
    #expect(redirected.output.isEmpty, "\(redirected)")
    #expect(try String(contentsOfFile: directory.file("shown"), encoding: .utf8) == "out\nerr\n")
    let late = try rrs("replay", "-a", "-g", "1000000")
    #expect(late.errorText.contains("ends before event 1000000"), "\(late)")
  }

  @Test func shownOutputIsMarked() throws {
    let recording = try rrs("-M", "record", "echo", "hello")
    #expect(recording.outputText.wholeMatch(of: /\[rrs [0-9]+ [0-9]+\] ?hello\n/) != nil, "\(recording)")
    let replay = try rrs("replay", "-M", "-a")
    #expect(replay.outputText == recording.outputText, "\(replay)")
  }
}
