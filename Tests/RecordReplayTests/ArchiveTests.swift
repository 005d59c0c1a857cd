import Foundation
import Glibc
import TestSupport
import Testing

/// `rrs pack --archive` and `rrs unpack`: a trace in one file.
@Suite("Archives", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct ArchiveTests {
  private func rrs(_ arguments: String..., in directory: TemporaryDirectory) throws -> CommandResult {
    try RRSCommand.run(arguments, directory: directory.path, within: 60)
  }

  private func bash(_ script: String, in directory: TemporaryDirectory) throws -> CommandResult {
    try run(
      ["bash", "-c", "set -o pipefail; " + script], directory: directory.path,
      environment: ["RRS": RRSCommand.path, "RRS_TRACE_DIR": directory.file("traces")])
  }

  /// A recording `trace` and its archive `trace.rrs`.
  private func archived(_ directory: TemporaryDirectory) throws -> (trace: String, archive: String) {
    let trace = directory.file("trace")
    let program = try TestProgram("unending/chatter").build()
    let recording = try rrs("record", "-o", trace, "--", program, "200", in: directory)
    try #require(recording.isSuccess, "\(recording)")
    let packing = try rrs("pack", "--archive", trace + ".rrs", trace, in: directory)
    try #require(packing.isSuccess, "\(packing)")
    return (trace, trace + ".rrs")
  }

  @Test("there and back, in a file and through a pipe", .timeLimit(.minutes(10)))
  func roundTrip() throws {
    let directory = try TemporaryDirectory("archive")
    let (trace, archive) = try archived(directory)
    for script in [
      "$RRS unpack trace.rrs", "$RRS unpack trace.rrs second", "cat trace.rrs | $RRS unpack - third",
      "$RRS pack --archive - trace | $RRS unpack - fourth", "$RRS pack --archive - trace | cmp - trace.rrs",
    ] {
      let result = try bash(script, in: directory)
      #expect(result.isSuccess, "\(script): \(result)")
    }
    for copy in ["traces/trace", "second", "third", "fourth"] {
      let difference = try run(["diff", "-r", trace, directory.file(copy)])
      #expect(difference.isSuccess && difference.output.isEmpty, "\(copy): \(difference)")
      #expect(try rrs("verify", "--records", directory.file(copy), in: directory).isSuccess)
    }
    // Nothing is overwritten, and nothing goes to a terminal.
    for (script, text) in [
      ("$RRS unpack trace.rrs", "File exists"), ("$RRS pack --archive trace.rrs trace", "is there already"),
      ("script -qec '$RRS pack --archive - trace' /dev/null", "terminal"), ("$RRS recover trace.rrs", "is an archive"),
      ("$RRS pack trace.rrs", "is an archive"), ("$RRS unpack missing.rrs", "No such file"),
    ] {
      let result = try bash(script, in: directory)
      #expect(!result.isSuccess && (result.errorText + result.outputText).contains(text), "\(script): \(result)")
    }
    let listing = try run(["tar", "-tf", archive])
    #expect(listing.isSuccess && listing.outputText.contains("trace/events\n"), "\(listing)")
  }

  @Test("an archive says and replays what its trace does", .timeLimit(.minutes(10)))
  func openedDirectly() throws {
    let directory = try TemporaryDirectory("opened")
    let (trace, archive) = try archived(directory)
    for verb in [["replay", "-a"], ["dump"], ["dump", "--json"], ["dump", "-p"], ["ps"], ["traceinfo"], ["rerun"]] {
      let expected = try RRSCommand.run(verb + [trace], directory: directory.path)
      let result = try RRSCommand.run(verb + [archive], directory: directory.path)
      #expect(result.status == expected.status && result.output == expected.output, "\(verb): \(result)")
    }
    let verified = try rrs("verify", "--records", archive, in: directory)
    #expect(verified.isSuccess && verified.outputText.contains("is unaltered"), "\(verified)")
    // rrs FILE.rrs is rrs replay FILE.rrs.
    let debugged = try bash("$RRS trace.rrs -- -batch -ex 'break main' -ex continue -ex bt </dev/null", in: directory)
    #expect(debugged.outputText.contains("in main (") || debugged.outputText.contains("main ("), "\(debugged)")
    #expect(debugged.leftOver.isEmpty, "\(debugged)")
  }

  @Test("altered and shortened archives", .timeLimit(.minutes(10)))
  func altered() throws {
    var random = SeededRandom()
    let directory = try TemporaryDirectory("altered")
    let (_, archive) = try archived(directory)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
    let copy = directory.file("copy.rrs")
    let entries = Set(TemporaryDirectory.contents(directory.path))
    for round in 0..<60 {
      var altered = bytes
      var situation = "(seed \(random.seed)) "
      // The stored files are nearly all of it: the rest comes first.
      let offset = Int.random(in: 0..<(round % 3 == 0 ? bytes.count : min(60_000, bytes.count)), using: &random)
      if round % 4 == 0 {
        altered = altered.prefix(offset)
        situation += "cut at \(offset)"
      } else {
        altered[offset] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
        situation += "byte \(offset)"
      }
      try altered.write(to: URL(fileURLWithPath: copy))
      let unpacked = try rrs("unpack", copy, directory.file("unpacked"), in: directory)
      #expect(!unpacked.isSuccess && unpacked.errorText.contains("rrs"), "\(situation): \(unpacked)")
      for verb in [["verify"], ["replay", "-a"], ["dump"]] {
        let result = try RRSCommand.run(verb + [copy], directory: directory.path, within: 30)
        #expect(!result.isOutOfTime && result.leftOver.isEmpty, "\(situation): \(result)")
        if case .killed = result.status { Issue.record("crashes \(situation): \(result)") }
        if verb == ["verify"] { #expect(!result.isSuccess, "\(situation): \(result)") }
        if !result.isSuccess { #expect(result.errorText.contains("rrs"), "\(situation): \(result)") }
      }
      let now = Set(TemporaryDirectory.contents(directory.path))
      #expect(now.subtracting(entries) == ["copy.rrs"], "\(situation): \(now)")
    }
  }

  @Test("members that lead elsewhere", .timeLimit(.minutes(10)))
  func hostileNames() throws {
    let directory = try TemporaryDirectory("hostile")
    _ = try archived(directory)
    for script in [
      "tar -cf h.rrs --transform 's,trace/data,../evil,' trace", "tar -cPf h.rrs --transform 's,trace/data,/evil,' trace",
      "cp -a trace l && ln -sf /etc/passwd l/data && tar -cf h.rrs l",
      "cp -a trace d && mkdir -p d/a/b && touch d/a/b/c && tar -cf h.rrs d",
      "cp -a trace p && mkfifo p/pipe && tar -cf h.rrs p", "tar -cf h.rrs trace/data trace.rrs",
      "cp -a trace s && mkdir -p s/sysroot && ln -s ../../../etc s/sysroot/evil && tar -cf h.rrs s",
      "ln -sfn usr/../../../etc s/sysroot/evil && tar -cf h.rrs s", "ln -sfn /etc s/sysroot/evil && tar -cf h.rrs s",
      "cp -a trace t && ln -sfn ../files t/sysroot/evil && tar -cf h.rrs t && rm t/sysroot/evil && mkdir t/sysroot/evil"
        + " && touch t/sysroot/evil/x && tar -rf h.rrs t/sysroot/evil/x",
      "tar -cf h.rrs -T /dev/null", "mkdir -p e && tar -cf h.rrs e", "cp /bin/ls h.rrs", ": > h.rrs",
    ] {
      try #require(try bash(script, in: directory).isSuccess, "\(script)")
      for verb in [["unpack", "h.rrs", "out"], ["verify", "h.rrs"]] {
        let result = try RRSCommand.run(verb, directory: directory.path)
        #expect(!result.isSuccess && result.errorText.contains("rrs"), "\(script), \(verb): \(result)")
      }
      #expect(TemporaryDirectory.contents(directory.path).allSatisfy { $0 != "out" && !$0.hasPrefix(".") }, "\(script)")
      #expect(access("/evil", F_OK) != 0 && access(directory.path + "/../evil", F_OK) != 0)
    }
  }
}
