import Execution
import Glibc
import KernelABI
import TestSupport
import Testing
import TraceeControl

/// System calls, faults and signals: an engine reports them as a native run has them.
@Suite("Conformance of stops", .serialized, .timeLimit(.minutes(10)))
struct FaultConformanceTests {
  /// Each is executed with rdi = an address where nothing is mapped, and a pattern in every other register.
  static let faults = [
    "mov (%rdi), %rax", "mov %rbx, 8(%rdi)", "cmp %rax, %rax; lock incl (%rdi); jz 1f; 1: nop", "push (%rdi)",
    "mov %rdi, %rsp; push %rbx", "mov %rdi, %rsp; ret", "mov %rdi, %rsp; call 1f; 1: nop", "mov %rdi, %rsp; ret $8",
    "jmp *%rdi", "call *%rdi", "jmp *(%rdi)", "call *8(%rdi)", "lea here(%rip), %rdx; jmp *%rdx; here: mov %rax, (%rdi)",
    "push %rdi; ret", "mov $0x8000000000000000, %rax; jmp *%rax", "mov $0x1234567812345678, %rcx; call *%rcx",
    "push %rbx; ret", "push %rbx; ret $16", "mov $0xffff800000000000, %rdx; jmp *%rdx", "ud2", "int3", "int $3", "int $4",
    "int $0x2d", "hlt", "cli", "in %dx, %al", "xor %ebx, %ebx; div %ebx", "mov %eax, guarded(%rip)",
    "lea data(%rip), %rax; jmp *%rax",
    "lea 4096+data(%rip), %rax; jmp *%rax", "movaps 1(%rsp), %xmm0",
    "mov $3, %ecx; 1: add $8, %rax; loop 1b; mov (%rdi), %al",
    "mov $9, %ecx; mov %rsp, %rsi; sub $4096, %rdi; std; rep movsb", "mov %cr0, %rax", "wrmsr", "clc; sti",
    "lea 2f(%rip), %rax; push %rax; ret; 2: cmp %rsp, %rsp; mov (%rdi), %al; je 2b", ".byte 0xf0, 0x01, 0xc0",
    ".byte 0x0f, 0xff, 0xc0", ".byte 0x06", "mov $-1, %rdi; mov (%rdi), %rax", "mov $1, %eax; xlat; mov (%rdi,%rbx), %al",
    "enter $65535, $31", "mov %rdi, %rbp; leave", "fldz; fld1; fdivp; mov %rax, (%rdi)",
  ]

  /// A program of all of them, at distances of 128 bytes.
  static let program = """
      .balign 128
      \(faults.map { "\($0)\n jmp .\n .balign 128" }.joined(separator: "\n"))
      .section .guarded, "a"
      .balign 4096
      guarded: .skip 4096
      .data
      .balign 4096
      data: .fill 8192, 1, 0x90
    """

  private func driver(_ program: AssemblyProgram, _ engine: EngineCase, fault: Int) throws -> EngineDriver {
    let driver = try EngineDriver(program, engine.make())
    var registers = try driver.tracee.registers()
    registers.rip = AssemblyProgram.start + 128 * UInt64(fault)
    registers.rdi = 0x1_0000_0000_0000 / 8
    registers.rax = 0x11
    registers.rbx = 0xBBBB_BBBB_BBBB_BBBB
    registers.rcx = 0xCCCC_CCCC_CCCC_CCCC
    registers.rdx = 0x22
    registers.r8 = 0x8888_8888_8888_8888
    registers.r11 = 0xB1B1_B1B1_B1B1_B1B1
    registers.r15 = 0xF5F5_F5F5_F5F5_F5F5
    registers.origRax = UInt64.max
    driver.tracee.setRegisters(registers)
    return driver
  }

  @Test("faults", arguments: EngineCase.counting)
  func faults(_ engine: EngineCase) throws {
    let program = try AssemblyProgram(Self.program)
    for (index, text) in Self.faults.enumerated() {
      let expected = try driver(program, .native, fault: index)
      guard case .signal(let truth, true) = try expected.run(.application(signal: nil, until: nil)) else {
        Issue.record("\(text) doesn't fault")
        continue
      }
      // Met at once, and with a stop at every tick on the way.
      for isSlow in [false, true] {
        let found = try driver(program, engine, fault: index)
        var stop = Stop.tickLimit
        while stop == .tickLimit {
          stop = try found.run(.application(signal: nil, until: isSlow ? .slice(found.ticks + 1) : nil))
        }
        guard case .signal(let info, let isAtBoundary) = stop else {
          Issue.record("\(text): \(stop)")
          continue
        }
        #expect(info == truth && isAtBoundary, "\(text): \(info.signal) \(info.code) \(info.address)")
        let differences = try expected.tracee.registers().differences(from: try found.tracee.registers())
        #expect(differences.isEmpty, "\(text): \(differences)")
      }
    }
  }

  @Test("system calls", arguments: EngineCase.counting)
  func calls(_ engine: EngineCase) throws {
    let program = try AssemblyProgram(ConformanceTests.work)
    func trail(_ engine: EngineCase) throws -> [Registers] {
      let driver = try EngineDriver(program, engine.make())
      var trail: [Registers] = []
      while true {
        guard try driver.run(.application(signal: nil, until: nil)) == .syscallEntry else { throw TestFailure("no call") }
        trail.append(try driver.tracee.registers())
        if trail.last?.syscallNumber == SyscallNumber.exit_group { return trail }
        try driver.makeCall()
        trail.append(try driver.tracee.registers())
      }
    }
    let (expected, found) = (try trail(.native), try trail(engine))
    #expect(expected.count == found.count)
    for (one, other) in zip(expected, found) {
      #expect(one.differences(from: other).isEmpty && one.syscallNumber == other.syscallNumber, "\(one.differences(from: other))")
    }
  }

  static let user1 = Signal(rawValue: 10)

  /// Counts in r12 in a handler, loops in between; the handler moves the interrupted loop's counter on by one.
  static let handling = """
      mov $13, %eax
      mov $10, %edi
      lea action(%rip), %rsi
      xor %edx, %edx
      mov $8, %r10d
      syscall
      mov $2000, %ecx
      xor %r12, %r12
      xor %ebx, %ebx
      stc
    1: adc $0, %rbx
      lea -1(%rcx), %rcx
      jrcxz 2f
      call 3f
      jmp 1b
    2: mov $231, %eax
      mov %r12, %rdi
      syscall
    3: ret
    handler:
      cmp $10, %edi
      jne 1f
      incq 72(%rdx)
      ret
    1: ud2
    back: mov $15, %eax
      syscall
      .data
      .balign 8
    action: .quad handler, 0x04000004, back, 0
    """

  /// r12 is at 40 + 4 * 8 of `ucontext_t`; the instruction pointer at 40 + 16 * 8 (arch/x86/include/uapi/asm/sigcontext.h).
  @Test("signals at ticks", arguments: EngineCase.counting)
  func signals(_ engine: EngineCase) throws {
    let program = try AssemblyProgram(Self.handling)
    var totals: Set<UInt64> = []
    for _ in 0..<2 {
      let driver = try EngineDriver(program, engine.make())
      let tracee = driver.tracee
      var count: UInt64 = 0
      for ticks in stride(from: UInt64(50), to: 1500, by: 130) {
        guard try driver.runThroughCalls(until: .slice(ticks)) == .tickLimit else { throw TestFailure("no tick limit") }
        let before = try tracee.registers()
        #expect(kill(tracee.tid.rawValue, SIGUSR1) == 0)
        let stop = try driver.run(.application(signal: nil, until: nil))
        guard case .signal(let info, true) = stop else { throw TestFailure("\(stop) instead of a signal") }
        let differences = before.differences(from: try tracee.registers())
        #expect(info.signal == Self.user1 && differences.isEmpty, "\(differences)")
        #expect(try driver.run(.step(signal: Self.user1)) == .step)
        let inHandler = try tracee.registers()
        #expect(tracee.readBytes(inHandler.instructionPointer, count: 3) == [0x83, 0xFF, 0x0A])
        let context = inHandler.stackPointer + 8
        #expect(tracee.read(context + 40 + 128, as: UInt64.self) == before.rip)
        #expect(tracee.read(context + 40 + 112, as: UInt64.self) == before.rcx)
        #expect(tracee.read(context + 40 + 120, as: UInt64.self) == before.rsp)
        #expect(tracee.read(context + 40 + 32, as: UInt64.self) == before.r12)
        count += 1
      }
      guard try driver.runThroughCalls() == .syscallEntry else { throw TestFailure("no end") }
      let end = try tracee.registers()
      #expect(end.rdi == count && end.rbx == 1)
      totals.insert(driver.ticks)
    }
    #expect(totals.count == 1)
  }
}
