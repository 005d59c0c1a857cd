import Foundation
import TestSupport
import Testing

/// `ls`, `rm`, `mv`, `pack`, `ps`, `dump`, `traceinfo`, `filename` and `verify` on real recordings.
@Suite(.serialized) struct TraceListingTests {
  let directory: TemporaryDirectory
  let environment: [String: String]

  init() throws {
    directory = try TemporaryDirectory("cli-traces")
    environment = ["RRS_TRACE_DIR": directory.file("traces"), "PATH": TestEnvironment.searchPath]
  }

  func rrs(_ arguments: String...) throws -> CommandResult {
    try RRSCommand.run(arguments, directory: directory.path, environment: environment)
  }

  var latest: String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: directory.file("traces/latest-trace"))
  }

  @Test func tracesAreListed() throws {
    #expect(try rrs("ls").outputText == "")
    for program in ["true", "echo", "true"] { _ = try rrs("record", program, "a b") }
    #expect(try rrs("ls").outputText == "echo-0\ntrue-0\ntrue-1\n")
    #expect(try rrs("ls", "-r").outputText == "true-1\ntrue-0\necho-0\n")
    #expect(try rrs("ls", "-t").outputText == "true-1\necho-0\ntrue-0\n")
    #expect(try rrs("ls", "-tr").outputText == "true-0\necho-0\ntrue-1\n")
    let long = try rrs("ls", "-l", directory.file("traces")).outputText.split(separator: "\n")
    #expect(long.count == 4)
    let row = /echo-0 +[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} +[0-9.]+[KMG]? +- +echo 'a b'/
    #expect(long[1].wholeMatch(of: row) != nil, "\(long[1])")
  }

  @Test func tracesAreRemoved() throws {
    for program in ["true", "echo"] { _ = try rrs("record", program) }
    #expect(latest?.hasSuffix("echo-0") == true)
    #expect(try rrs("rm", "echo-0").isSuccess)
    #expect(latest?.hasSuffix("true-0") == true)
    let other = try directory.makeDirectory("traces/not-a-trace")
    try directory.write("x", to: "traces/not-a-trace/file")
    let refused = try rrs("rm", other)
    #expect(refused.status == .exited(65) && refused.errorText.contains("rm -f"), "\(refused)")
    #expect(FileManager.default.fileExists(atPath: other))
    #expect(try rrs("rm", other, "-f").isSuccess)
    #expect(!FileManager.default.fileExists(atPath: other))
    #expect(try rrs("rm", "-f", "nothing-here").isSuccess)
    #expect(try rrs("rm", "true-0").isSuccess)
    #expect(latest == nil)
    #expect(TemporaryDirectory.contents(directory.file("traces")).isEmpty)
  }

  @Test func tracesArePacked() throws {
    for program in ["true", "echo"] { _ = try rrs("record", program) }
    let latest = try rrs("pack")
    let line = /packed '.*\/echo-0': [0-9]+ mapped files are [0-9]+ now, [0-9.]+[KMG]?B (saved|more on disk)\n/
    #expect(latest.isSuccess && latest.outputText.wholeMatch(of: line) != nil, "\(latest)")
    let both = try rrs("pack", "true-0", "echo-0", "--debug-files")
    #expect(both.isSuccess && both.outputText.split(separator: "\n").count == 2, "\(both)")
    for name in ["true-0", "echo-0"] {
      #expect(try rrs("verify", name).isSuccess)
      #expect(try rrs("replay", "-a", name).isSuccess)
    }
    let pool = try rrs("pack", "--pack-dir", "pool", "true-0", "echo-0")
    #expect(pool.isSuccess && !TemporaryDirectory.contents(directory.file("pool")).isEmpty, "\(pool)")
    #expect(try rrs("replay", "-a", "true-0").isSuccess)
    let undecided = try rrs("pack", "--symlink", "--pack-dir=pool", "true-0")
    #expect(undecided.status == .exited(64) && undecided.errorText.contains("exclude each other"), "\(undecided)")
    let missing = try rrs("pack", "nothing-here")
    #expect(missing.status == .exited(66), "\(missing)")
    // A file that the pool lacks is named, and so is the trace's link to it.
    for name in TemporaryDirectory.contents(directory.file("pool")) { unlink(directory.file("pool/" + name)) }
    let broken = try rrs("replay", "-a", "true-0")
    #expect(broken.status == .exited(65) && broken.errorText.contains("this link leads to is missing"), "\(broken)")
    #expect(try rrs("verify", "true-0").status == .exited(65))
    #expect(try rrs("pack", "true-0").status == .exited(65))
  }

  /// One of them packs; the other does so afterwards, or says that it can't now.
  @Test func twoPackingsAtOnce() throws {
    _ = try rrs("record", "true")
    let packings = try (0..<2).map { _ in
      try RRSCommand.start(["pack", "true-0"], directory: directory.path, environment: environment)
    }
    let results = try packings.map { try $0.finish(within: 60) }
    #expect(results.contains { $0.isSuccess } && results.allSatisfy { $0.isSuccess || $0.status == .exited(73) }, "\(results)")
    #expect(try rrs("verify", "true-0").isSuccess)
    #expect(try rrs("replay", "-a", "true-0").isSuccess)
  }

  /// A recording in progress is left alone.
  @Test func aRecordingInProgressIsNotPacked() throws {
    let recording = try RRSCommand.start(
      ["record", "sh", "-c", "echo ready; sleep 60"], directory: directory.path, environment: environment)
    let deadline = Date().addingTimeInterval(20)
    while !recording.outputSoFar.contains("ready"), Date() < deadline { usleep(10_000) }
    let refused = try rrs("pack", "sh-0")
    #expect(refused.status == .exited(73) && refused.errorText.contains("is being recorded"), "\(refused)")
    recording.send(SIGTERM)
    _ = try recording.finish(within: 20)
    #expect(try rrs("pack", "sh-0").isSuccess)
    #expect(try rrs("verify", "sh-0").isSuccess)
  }

  @Test func tracesAreMoved() throws {
    for program in ["true", "echo"] { _ = try rrs("record", program) }
    #expect(try rrs("mv", "echo-0", "nice").isSuccess)
    #expect(latest?.hasSuffix("nice") == true)
    #expect(try rrs("replay", "-a").isSuccess)
    let taken = try rrs("mv", "true-0", "nice")
    #expect(taken.status == .exited(73), "\(taken)")
    #expect(try rrs("mv", "true-0", directory.file("elsewhere")).isSuccess)
    #expect(try rrs("replay", "-a", "elsewhere").isSuccess)
    #expect(try rrs("ls").outputText == "nice\n")
  }

  @Test func processesAreListed() throws {
    let script = "/bin/true; (exit 5) & wait $!; sh -c 'kill -9 $$'; exit 2"
    _ = try rrs("record", "bash", "-c", script)
    let lines = try rrs("ps").outputText.split(separator: "\n").map { $0.components(separatedBy: "\t") }
    #expect(lines.first == ["PID", "PPID", "EXIT", "CMD"])
    #expect(lines.allSatisfy { $0.count == 4 }, "\(lines)")
    let rows = lines.dropFirst()
    let root = try #require(rows.first)
    #expect(root[1] == "--" && root[2] == "2" && root[3].hasPrefix("bash -c '/bin/true;"), "\(root)")
    #expect(rows.dropFirst().allSatisfy { $0[1] == root[0] }, "\(lines)")
    #expect(rows.contains { $0[2] == "0" && $0[3] == "/bin/true" }, "\(lines)")
    #expect(rows.contains { $0[2] == "5" && $0[3] == "(forked without exec)" }, "\(lines)")
    #expect(rows.contains { $0[2] == "-9" && $0[3].hasPrefix("sh -c") }, "\(lines)")
  }

  @Test func eventsAreDumped() throws {
    _ = try rrs("record", "cat", "/etc/hostname")
    let all = try rrs("dump").outputText.split(separator: "\n")
    #expect(all.first?.contains("image start: /usr/bin/cat (cat /etc/hostname)") == true, "\(all.first ?? "")")
    #expect(all.last?.hasSuffix("end of the recording") == true, "\(all.last ?? "")")
    #expect(all.contains { $0.contains("</etc/hostname>") && $0.contains("O_RDONLY") })
    #expect(try rrs("dump", "2-4").outputText.split(separator: "\n") == Array(all[1...3]))
    #expect(try rrs("dump", "cat-0", "3", "end").outputText.split(separator: "\n") == [all[2], all[all.count - 1]])
    #expect(try rrs("dump", "1000000").outputText == "")
    let details = try rrs("dump", "-e", "-m", "-p", "1").outputText
    #expect(
      details.contains("runs /usr/bin/cat") && details.contains("[stack]") && details.contains("wrote "), "\(details)")
    let raw = try rrs("dump", "-r", "1").outputText.split(separator: " ")
    #expect(raw.count == 4 + 27 && raw[0] == "1", "\(raw)")
    #expect(try rrs("dump", "-t", "1", "1-100").outputText == "")
    #expect(try rrs("dump", "-s").outputText.contains("// imageStart"))
  }

  @Test func eventsAreDumpedForPrograms() throws {
    _ = try rrs("record", "sh", "-c", "echo x; exit 6")
    let lines = try rrs("dump", "--json", "-e", "-m", "-p").outputText.split(separator: "\n")
    let objects = try lines.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(objects.map { $0["event"] as? Int } == (1...objects.count).map { $0 })
    #expect(objects.first?["kind"] as? String == "imageStart")
    #expect((objects.first?["mappings"] as? [Any])?.isEmpty == false)
    let calls = objects.compactMap { $0["syscall"] as? [String: Any] }
    #expect(calls.contains { $0["name"] as? String == "write" && $0["result"] as? Int == 2 })
    #expect(objects.contains { $0["kind"] as? String == "exit" && $0["exitStatus"] as? Int == 6 })
    #expect(objects.last?["kind"] as? String == "end")
  }

  @Test func aTraceSaysWhatItIs() throws {
    let id = "00112233-4455-6677-8899-aabbccddeeff"
    _ = try rrs("record", "--trace-id", id, "-v", "MARK=set", "true", "x")
    let result = try rrs("traceinfo")
    let info = try #require(try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any])
    #expect(info["uuid"] as? String == id)
    #expect(info["commandLine"] as? [String] == ["true", "x"])
    #expect((info["environ"] as? [String])?.contains("MARK=set") == true)
    #expect(info["cutShort"] as? Bool == false)
    #expect((info["eventCount"] as? Int ?? 0) > 10)
    #expect((info["cpuidRecords"] as? [Any])?.isEmpty == false)
  }

  @Test func filesKnowTheirNames() throws {
    _ = try rrs("record", "true")
    let files = TemporaryDirectory.contents(directory.file("traces/true-0/files"))
    let stored = try #require(files.first { $0.contains("libc.so.6") }, "\(files)")
    let result = try rrs("filename", directory.file("traces/true-0/files/" + stored))
    #expect(result.isSuccess && result.outputText.hasSuffix("/libc.so.6\n"), "\(result)")
    // Also where they are links, and by other names.
    #expect(try rrs("pack", "--symlink").isSuccess)
    for name in TemporaryDirectory.contents(directory.file("traces/true-0/files")) where name.contains("libc.so.6") {
      #expect(try rrs("filename", directory.file("traces/true-0/files/" + name)).outputText == result.outputText)
    }
    #expect(try rrs("pack").isSuccess)
    let shown = directory.file("traces/true-0/sysroot") + result.outputText.dropLast()
    #expect(try rrs("filename", shown).outputText == result.outputText)
  }

  @Test func damageIsFound() throws {
    _ = try rrs("record", "true")
    let whole = try rrs("verify")
    #expect(whole.isSuccess && whole.outputText.contains("unaltered"), "\(whole)")
    let path = directory.file("traces/true-0/events")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count / 2] ^= 0x10
    try bytes.write(to: URL(fileURLWithPath: path))
    let damaged = try rrs("verify")
    #expect(damaged.status == .exited(65) && damaged.errorText.contains("damaged"), "\(damaged)")
  }
}
