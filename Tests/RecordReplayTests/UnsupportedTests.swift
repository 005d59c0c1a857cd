import Foundation
import TestSupport
import Testing

/// What can't be recorded says so by name, when it is recorded and in the trace, and what can be goes on.
@Suite("Unsupported", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct UnsupportedTests {
  /// An ELF executable of 32 bits that exits with status 7: a file header, one program header, three instructions
  /// (elf(5)).
  private static let program32Bit: [UInt8] = {
    func words(_ values: UInt32...) -> [UInt8] { values.flatMap { value in (0..<4).map { UInt8(value >> ($0 * 8) & 0xff) } } }
    func halves(_ values: UInt16...) -> [UInt8] { values.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] } }
    let base: UInt32 = 0x804_8000, start: UInt32 = 52 + 32
    let code: [UInt8] = [0xb8, 1, 0, 0, 0, 0xbb, 7, 0, 0, 0, 0xcd, 0x80]
    let size = start + UInt32(code.count)
    return [0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0] + [UInt8](repeating: 0, count: 8) + halves(2, 3) + words(1, base + start, 52, 0, 0)
      + halves(52, 32, 1, 40, 0, 0) + words(1, 0, base, base, size, size, 5, 0x1000) + code
  }()

  /// Writes an executable. By another process: a descriptor of this one, open for writing, may be inherited by what another
  /// test starts, and then execve(2) fails with ETXTBSY.
  private func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + ".data"))
    let copied = try run(["install", "-m", "755", path + ".data", path])
    try #require(copied.isSuccess, "\(copied)")
  }

  @Test("a 32-bit program isn't started", .timeLimit(.minutes(10)))
  func program() throws {
    let directory = try TemporaryDirectory("unsupported")
    let path = directory.file("program")
    try write(Self.program32Bit, to: path)
    let recording = try RRSCommand.run(["record", "-o", directory.file("trace"), "--", path])
    #expect(recording.status == .exited(69), "\(recording)")
    #expect(recording.errorText == "rrs: '\(path)' is a 32-bit program, which can't be recorded: record a 64-bit one\n")
  }

  @Test("a 32-bit program is refused to a recorded one, which goes on", .timeLimit(.minutes(10)))
  func descendant() throws {
    var trial = RecordReplay(["sh", "-c", "./program; echo $?; ./script; echo $?; exec ./program"])
    trial.prepare = { work in
      try write(Self.program32Bit, to: work + "/program")
      try write(Array("#! \(work)/program\n".utf8), to: work + "/script")
    }
    // What has no format that the kernel knows, a shell reads itself: the script's only line is a comment to it.
    let outcome = try trial.run(expected: .exited(126)) { recording in
      recording.outputText == "126\n0\n" ? nil : "it isn't told (execve(2), ENOEXEC)"
    }
    #expect(outcome.problems.isEmpty, "\(outcome.report())")
    for result in [outcome.recording] + outcome.replays {
      #expect(result.errorText.contains("'./program' is a 32-bit program, which can't be recorded"), "\(result)")
      #expect(result.errorText.contains("work/program' is a 32-bit program"), "\(result)")
    }
  }

  @Test("a call by int 0x80 fails, and is noted", .timeLimit(.minutes(10)))
  func call() throws {
    let outcome = try RecordReplay([TestProgram("misc/int80").build()]).run { recording in
      recording.outputText.contains("gives -38 to") ? nil : "it isn't told (ENOSYS)"
    }
    #expect(outcome.problems.isEmpty, "\(outcome.report())")
    for result in [outcome.recording] + outcome.replays {
      let lines = result.errorText.split(separator: "\n").filter { $0.contains("call 20 of the 32-bit interface") }
      #expect(lines.count == 1, "\(result)")
    }
  }
}
