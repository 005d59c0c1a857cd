import Foundation
import Glibc
import KernelABI
import SystemPackage
import TestSupport
import TraceeControl

/// A few instructions of assembly, run as a tracee from one `int3` to the next.
///
/// rdi points to 4 KiB of writable memory, all of it 0xAA. All requests come from the thread that makes the value.
final class StoppedProgram {
  let tracee: Tracee
  private(set) var buffer: RemotePointer
  private let directory: TemporaryDirectory
  static let bufferByteCount = 4096

  /// Runs `assembly` up to its first `int3`.
  init(_ assembly: String) throws {
    directory = try TemporaryDirectory("stopped")
    let source = try directory.write(
      """
      .globl _start
      .data
      .balign 4096
      buffer: .fill \(Self.bufferByteCount), 1, 0xAA
      .text
      .balign 64
      _start: leaq buffer(%rip), %rdi
      \(assembly)
      ud2

      """, to: "program.s")
    let binary = directory.file("program")
    let compilation = try run(["gcc", "-nostdlib", "-static", "-no-pie", "-o", binary, source])
    guard compilation.isSuccess else { throw TestFailure("\(compilation)") }
    let tid = try TraceeSpawner.spawn(path: binary, arguments: [binary], environment: [], options: .init())
    tracee = Tracee(
      tid: tid, recordedTid: tid, addressSpace: AddressSpace(), threadGroup: ThreadGroup(id: tid, recordedID: tid))
    buffer = .null
    try runToTrap()
    buffer = RemotePointer(try tracee.registers().rdi)
  }

  deinit {
    kill(tracee.tid.rawValue, SIGKILL)
    while let status = try? tracee.wait() {
      if case .event(.exit, _) = status { try? tracee.resume() }
      if case .killed = status { return }
    }
  }

  func runToTrap() throws {
    try tracee.resume()
    try expectTrap(try tracee.wait())
  }

  func step() throws {
    try tracee.step()
    try expectTrap(try tracee.wait())
  }

  private func expectTrap(_ status: WaitStatus) throws {
    guard status == .signalStop(.trap) else {
      throw TestFailure("\(status) at \(String(try tracee.registers().rip, radix: 16))")
    }
  }

  func contents() throws -> [UInt8] {
    guard let bytes = tracee.readBytes(buffer, count: Self.bufferByteCount) else { throw TestFailure("no buffer") }
    return bytes
  }

  func resetBuffer() { tracee.write(buffer, [UInt8](repeating: 0xAA, count: Self.bufferByteCount)) }
}
