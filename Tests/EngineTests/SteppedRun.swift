import Execution
import KernelABI
import TestSupport
import TraceeControl
import X86

/// What a program does when the processor executes it an instruction at a time, without any engine: the truth that
/// engines are measured by. The ticks are counted as docs/translation.md defines them, on decoded instructions.
struct SteppedRun {
  /// The registers at each tick: after the transfer that counts.
  private(set) var atTicks: [Registers] = []
  /// The registers, and the ticks so far, after each instruction.
  private(set) var steps: [(registers: Registers, ticks: UInt64)] = []

  var ticks: UInt64 { UInt64(atTicks.count) }

  init(_ program: AssemblyProgram, _ unit: TickUnit) throws {
    let tracee = try program.spawn()
    defer { tracee.end() }
    let decoder = InstructionDecoder()
    while true {
      let before = try tracee.registers()
      guard let bytes = tracee.readBytes(before.instructionPointer, count: 15),
        let instruction = decoder.decode(bytes, count: 15)
      else { throw TestFailure("no instruction at \(before.instructionPointer)") }
      if instruction.kind == .syscall {
        if Int(before.rax) == SyscallNumber.exit_group { return }
        try Self.makeCall(tracee)
      } else {
        let push = try SteppedPush(tracee)
        try tracee.step()
        let status = try tracee.wait()
        try push?.finish(tracee)
        guard status == .signalStop(.trap) else { throw TestFailure("\(status) at \(before.instructionPointer)") }
      }
      let after = try tracee.registers()
      if Self.counts(instruction, unit, from: before.rip, to: after.rip) { atTicks.append(after) }
      steps.append((after, ticks))
    }
  }

  private static func makeCall(_ tracee: Tracee) throws {
    try tracee.resume()
    guard try tracee.wait() == .event(.seccomp, .trap) else { throw TestFailure("no seccomp-stop") }
    try tracee.resumeToSyscallStop()
    guard try tracee.wait() == .syscallStop else { throw TestFailure("no end of a system call") }
  }

  private static func counts(_ instruction: Instruction, _ unit: TickUnit, from: UInt64, to: UInt64) -> Bool {
    switch (unit, instruction.kind) {
    case (.retiredConditionalBranches, .conditionalJump), (.retiredConditionalBranches, .counterJump): true
    case (.retiredConditionalBranches, _): false
    case (.nonForwardTransfers, .indirectJump), (.nonForwardTransfers, .indirectCall),
      (.nonForwardTransfers, .nearReturn):
      true
    case (.nonForwardTransfers, .conditionalJump), (.nonForwardTransfers, .counterJump),
      (.nonForwardTransfers, .jump), (.nonForwardTransfers, .call):
      to <= from
    default: false
    }
  }
}

extension Registers {
  /// What differs between these, which the processor left, and an engine's. Status flags that no one looks at before
  /// they are written may be cleared by an engine.
  func differences(from found: Registers) -> String {
    var texts: [String] = []
    for (mine, other) in zip(named, found.named) where mine.value != other.value {
      if mine.name == "orig_rax" || mine.name == "eflags" { continue }
      texts.append("\(mine.name) \(String(mine.value, radix: 16)) is \(String(other.value, radix: 16))")
    }
    let direction: UInt64 = 0x400
    let wrong = (eflags ^ found.eflags) & Registers.visibleFlags
    if wrong & found.eflags != 0 || wrong & direction != 0 {
      texts.append("eflags \(String(eflags, radix: 16)) are \(String(found.eflags, radix: 16))")
    }
    return texts.joined(separator: ", ")
  }
}
