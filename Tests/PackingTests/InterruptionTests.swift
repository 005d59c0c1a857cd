import Foundation
import Glibc
import TestSupport
import Testing
import TraceFormat

/// Packing is killed, or the file system fails, at every single call that it makes to the file system.
///
/// Whatever that leaves must replay, and a second packing must come to the very same trace as one that nothing happened
/// to. States that were met before aren't replayed again, unless RRS_PACK_FAULTS=all, which also tries all options.
@Suite(.timeLimit(.minutes(10))) struct InterruptionTests {
  static let tellsAll = ProcessInfo.processInfo.environment["RRS_PACK_FAULTS"] == "all"

  enum Fault: String, CaseIterable {
    case kill
    case noSpace
    case ioError

    var argument: String {
      switch self {
      case .kill: "kill"
      case .noSpace: "\(ENOSPC)"
      case .ioError: "\(EIO)"
      }
    }
  }

  @Test(arguments: Fault.allCases, tellsAll ? ["", "--symlink", "--pack-dir=pool"] : [""])
  func everyCall(_ fault: Fault, option: String) throws {
    let victim = try Victim(packing: option.isEmpty ? ["pack"] : ["pack", option])
    var trace = try victim.fresh()
    let whole = try victim.pack(trace)
    #expect(whole.isSuccess, "\(whole)")
    let packed = try Victim.contents(of: trace)

    var known: Set<[String: String]> = [packed]
    var number = 1
    while true {
      trace = try victim.fresh()
      let result = try victim.pack(trace, fault, from: number)
      let runs = try FaultyRun.runs(result)
      check(runs, fault, result)
      guard let last = runs.last, last.metFault else { break }
      number = last.callCount + 1
      if try known.insert(Victim.contents(of: trace)).inserted || Self.tellsAll {
        try victim.checkReplay(trace, "\(result)")
        let second = try victim.pack(trace)
        #expect(second.isSuccess, "\(result)\n\(second)")
        #expect(try Victim.contents(of: trace) == packed, "\(result)")
      }
    }
    #expect(number > 150)
    // What fails is taken back, but not what is killed.
    #expect(known.count > (fault == .kill ? 5 : 2))
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

/// A recording with a hard link, copies, and two files of one content; made once, and brought back after each fault.
private struct Victim {
  let directory: TemporaryDirectory
  let command: [String]
  let tool: String
  let recording: CommandResult
  let state: [String: String]
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
    state = try Self.contents(of: original)
  }

  /// The path of a trace as it was recorded, hard links among its files.
  func fresh() throws -> String {
    TemporaryDirectory.remove(trace)
    mkdir(trace, 0o700)
    for name in FileManager.default.subpaths(atPath: original) ?? [] {
      var status = stat()
      let (from, to) = (original + "/" + name, trace + "/" + name)
      guard stat(from, &status) == 0 else { throw TestFailure("can't look at \(from)") }
      if status.st_mode & S_IFMT == S_IFDIR {
        mkdir(to, 0o700)
      } else if status.st_nlink > 1 {
        guard link(from, to) == 0 else { throw TestFailure("can't link \(to)") }
      } else {
        try Data(contentsOf: URL(fileURLWithPath: from)).write(to: URL(fileURLWithPath: to))
        utimensat(AT_FDCWD, to, [status.st_mtim, status.st_mtim], 0)
      }
    }
    return trace
  }

  /// With a fault at that call and, as long as nothing has changed, at the next ones.
  func pack(_ trace: String, _ fault: InterruptionTests.Fault, from number: Int) throws -> CommandResult {
    try run(
      [tool, trace, "\(number)", fault.argument, RRSCommand.path] + command + [trace], directory: directory.path,
      within: 300)
  }

  func pack(_ trace: String) throws -> CommandResult {
    try RRSCommand.run(command + [trace], directory: directory.path)
  }

  func checkReplay(_ trace: String, _ context: String) throws {
    let replay = try RRSCommand.run(["replay", "-a", trace])
    let differences = RecordReplay.compare(recording, replay)
    #expect(differences.isEmpty, "\(context)\n\(replay)")
  }

  /// Names, kinds and bytes of all in a trace, and which files have other names elsewhere.
  static func contents(of trace: String) throws -> [String: String] {
    var contents: [String: String] = [:]
    for name in FileManager.default.subpaths(atPath: trace) ?? [] {
      let path = trace + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { throw TestFailure("can't look at \(path)") }
      let isRegular = status.st_mode & S_IFMT == S_IFREG
      let bytes = isRegular ? "\(Digest(of: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))))" : ""
      contents[name] = "\(status.st_mode) \(isRegular && status.st_nlink > 1) \(status.st_size) \(bytes)"
    }
    return contents
  }
}
