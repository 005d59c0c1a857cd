import Foundation
import Glibc
import TestSupport
import Testing
import TraceFormat

/// Packing is killed, or the file system fails, at every single call that it makes to the file system.
///
/// Whatever that leaves must replay, and a second packing must come to the very same trace as one that nothing happened
/// to. A state that a fault has left before isn't replayed again. RRS_PACK_FAULTS=all also tries the options of `pack`, and
/// a full disk at calls that don't write.
@Suite(.timeLimit(.minutes(10))) struct InterruptionTests {
  static let triesAll = ProcessInfo.processInfo.environment["RRS_PACK_FAULTS"] == "all"

  enum Fault: String, CaseIterable {
    case kill
    case noSpace
    case ioError

    var argument: String {
      switch self {
      case .kill: "kill"
      case .noSpace: triesAll ? "\(ENOSPC)" : "\(ENOSPC)w"
      case .ioError: "\(EIO)"
      }
    }
  }

  @Test(arguments: Fault.allCases, triesAll ? ["", "--symlink", "--pack-dir=pool"] : [""])
  func everyCall(_ fault: Fault, option: String) throws {
    let victim = try Victim(packing: option.isEmpty ? ["pack"] : ["pack", option])
    // A packing that nothing happens to.
    let whole = try victim.pack(fault, at: 1_000_000)
    #expect(whole.isSuccess && whole.outputText.contains("no fault: "), "\(whole)")
    let packed = try victim.contents()
    var number = 1
    var stateCount = 0
    while true {
      let result = try victim.pack(fault, at: number)
      let runs = try FaultyRun.runs(result)
      check(runs, fault, result)
      guard let last = runs.last, last.metFault else { break }
      number = last.callCount + 1
      stateCount += 1
      try victim.checkReplay("\(result)")
      let second = try victim.pack()
      #expect(second.isSuccess, "\(result)\n\(second)")
      #expect(try victim.contents() == packed, "\(result)")
    }
    #expect(number > (fault == .noSpace ? 40 : 150))
    // What fails is taken back, but not what is killed.
    #expect(stateCount > (fault == .kill ? 10 : 3))
  }

  /// Each was killed, or said in one line what failed, or went on without it.
  private func check(_ runs: [FaultyRun], _ fault: Fault, _ result: CommandResult) {
    let faulty = runs.filter(\.metFault)
    if fault == .kill {
      #expect(faulty.allSatisfy { $0.status == -SIGKILL }, "\(result)")
    } else {
      #expect(faulty.allSatisfy { $0.status == 0 || (64...78).contains($0.status) }, "\(result)")
      let lines = result.errorText.split(separator: "\n")
      #expect(lines.count == faulty.count { $0.status != 0 } && lines.allSatisfy { $0.hasPrefix("rrs: ") }, "\(result)")
    }
  }
}

/// One line of tools/faulty.
private struct FaultyRun {
  var metFault: Bool
  /// Up to the fault, or all.
  var callCount: Int
  /// Negative: a signal's number.
  var status: Int32

  static func runs(_ result: CommandResult) throws -> [FaultyRun] {
    let runs = result.outputText.matches(of: /(?m)^(fault at call|no fault:) ([0-9]+).*: ended (-?[0-9]+)$/).map {
      FaultyRun(metFault: $0.1 == "fault at call", callCount: Int($0.2) ?? 0, status: Int32($0.3) ?? 0)
    }
    guard result.isSuccess, !runs.isEmpty else { throw TestFailure("\(result)") }
    return runs
  }
}

/// A recording with a hard link, copies, and two files of one content; packings are made of copies of it.
private struct Victim {
  let directory: TemporaryDirectory
  let command: [String]
  let tool: String
  let recording: CommandResult
  private let original: String
  private let trace: String

  init(packing command: [String]) throws {
    self.command = command
    directory = try TemporaryDirectory("pack-faults")
    tool = try TestProgram("tools/faulty").build()
    let program = try TestProgram("tools/mapper").build()
    for name in ["one", "two"] { try directory.write("the same in both", to: name) }
    original = directory.file("original")
    trace = directory.file("trace")
    recording = try RRSCommand.run(
      ["record", "-o", original, "--", program, "one", "two", "/usr/bin/env"], directory: directory.path)
    guard recording.isSuccess else { throw TestFailure("\(recording)") }
  }

  /// Packs copies with a fault at that call, then at the next ones, until one is left in a state that wasn't seen yet.
  func pack(_ fault: InterruptionTests.Fault, at number: Int) throws -> CommandResult {
    try run(
      [tool, original, trace, directory.file("states"), "\(number)", fault.argument, RRSCommand.path] + command + [trace],
      directory: directory.path, within: 300 * TestEnvironment.patience)
  }

  /// Packs what the last packing has left.
  func pack() throws -> CommandResult { try RRSCommand.run(command + [trace], directory: directory.path) }

  func checkReplay(_ context: String) throws {
    let replay = try RRSCommand.run(["replay", "-a", trace])
    let differences = RecordReplay.compare(recording, replay)
    #expect(differences.isEmpty, "\(context)\n\(replay)")
  }

  /// Names, kinds and bytes of all in the trace, and which files have other names elsewhere.
  func contents() throws -> [String: String] {
    var contents: [String: String] = [:]
    for name in FileManager.default.subpaths(atPath: trace) ?? [] {
      let path = trace + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { throw TestFailure("can't look at \(path)") }
      var text = "\(status.st_mode)"
      if status.st_mode & S_IFMT == S_IFREG {
        let digest = Digest(of: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
        text += " \(status.st_nlink > 1) \(status.st_size) \(digest)"
      } else if status.st_mode & S_IFMT == S_IFLNK {
        text += " " + (try FileManager.default.destinationOfSymbolicLink(atPath: path))
      }
      contents[name] = text
    }
    return contents
  }
}
