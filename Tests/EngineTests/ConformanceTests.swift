import Execution
import Glibc
import KernelABI
import TestSupport
import Testing
import TraceeControl

/// What every engine must do, on programs in assembly that are driven by the engine alone.
@Suite("Conformance", .serialized, .timeLimit(.minutes(10)))
struct ConformanceTests {
  /// Calls, loops, flags that live over them, every kind of indirect transfer, and system calls.
  static let work = """
      call main
      mov $231, %eax
      xor %edi, %edi
      syscall
    fib:
      cmp $2, %edi
      jb 1f
      push %rdi
      dec %edi
      call fib
      pop %rdi
      push %rax
      sub $2, %edi
      call fib
      pop %rcx
      add %rcx, %rax
      ret
    1: mov %edi, %eax
      ret
    main:
      mov $7, %edi
      call fib
      mov %rax, %r12
      mov $9, %ecx
      stc
    2: adc $-5, %r12
      lea -1(%rcx), %ecx
      jrcxz 3f
      jmp 2b
    3: sbb %r13, %r13
      mov $5, %ecx
    4: mov $95, %eax
      mov $022, %edi
      push %rcx
      syscall
      pop %rcx
      loop 4b
      xor %ebx, %ebx
    5: lea targets(%rip), %rdx
      mov %rbx, %rax
      and $3, %eax
      jmp *(%rdx,%rax,8)
    t0: add $1, %r14
      jmp 6f
    t1: cmp %r14, %rbx
      call *8(%rdx)
    t2: setc %al
      add $3, %r14
      add $8, %rsp
    t3: push %rdx
      lea 6f(%rip), %rax
      pushfq
      pop %r8
      and $0xdd5, %r8d
      push %rax
      ret $8
    6: inc %ebx
      cmp $12, %ebx
      jne 5b
      lea targets(%rip), %rsi
      lea -256(%rsp), %rdi
      mov $24, %ecx
      rep movsb
      mov $300, %ecx
    7: rol $3, %r14
      test $1, %cl
      jz 8f
      call 9f
    8: dec %ecx
      jnz 7b
      ret
    9: xor %rcx, %r14
      ret
      .data
      .balign 8
    targets: .quad t0, t1s, t2s, t3s
      .text
    t1s: sub $8, %rsp
      jmp t2
    t2s: sub $8, %rsp
      clc
      jmp t2
    t3s: jmp t3
    """

  @Test("the ticks of a whole run are those of stepping", arguments: EngineCase.counting)
  func totals(_ engine: EngineCase) throws {
    let program = try AssemblyProgram(Self.work)
    let truth = try SteppedRun(program, try #require(engine.unit))
    #expect(truth.ticks > 300)
    for _ in 0..<10 {
      let driver = try EngineDriver(program, engine.make())
      #expect(try driver.runThroughCalls() == .syscallEntry)
      #expect(driver.ticks == truth.ticks)
    }
  }

  @Test("every tick is reached, one by one", arguments: EngineCase.counting)
  func everyTick(_ engine: EngineCase) throws {
    let program = try AssemblyProgram(Self.work)
    let truth = try SteppedRun(program, try #require(engine.unit))
    let driver = try EngineDriver(program, engine.make())
    for (index, expected) in truth.atTicks.enumerated() {
      try driver.goTo(.init(ticks: UInt64(index + 1), registers: expected), exactSlices: engine.hasExactSlices)
      try expect(driver, at: UInt64(index + 1), expected, "one by one")
    }
    #expect(try driver.runThroughCalls() == .syscallEntry)
    #expect(driver.ticks == truth.ticks)
  }

  @Test("random ticks are reached at once and in parts", arguments: EngineCase.counting)
  func randomTicks(_ engine: EngineCase) throws {
    var random = SeededRandom()
    let program = try AssemblyProgram(Self.work)
    let truth = try SteppedRun(program, try #require(engine.unit))
    for _ in 0..<12 {
      let target = UInt64.random(in: 1...truth.ticks, using: &random)
      let driver = try EngineDriver(program, engine.make())
      var ticks: UInt64 = 0
      while ticks < target {
        let most = Bool.random(using: &random) ? target - ticks : min(target - ticks, 30)
        ticks += UInt64.random(in: 1...most, using: &random)
        let expected = truth.atTicks[Int(ticks - 1)]
        try driver.goTo(.init(ticks: ticks, registers: expected), exactSlices: engine.hasExactSlices)
        try expect(driver, at: ticks, expected, "seed \(random.seed)")
      }
    }
  }

  @Test("single steps between runs", arguments: EngineCase.counting)
  func steps(_ engine: EngineCase) throws {
    var random = SeededRandom()
    let program = try AssemblyProgram(Self.work)
    let truth = try SteppedRun(program, try #require(engine.unit))
    let driver = try EngineDriver(program, engine.make())
    var index = 0
    while index < truth.steps.count {
      // An instruction at a time, and now and then on to a later tick.
      if index % 40 == 39, truth.steps[index - 1].ticks + 5 < truth.ticks {
        let ticks = truth.steps[index - 1].ticks + UInt64.random(in: 1...5, using: &random)
        let expected = truth.atTicks[Int(ticks - 1)]
        try driver.goTo(.init(ticks: ticks, registers: expected), exactSlices: engine.hasExactSlices)
        while truth.steps[index].ticks < ticks { index += 1 }
      } else {
        let place = try driver.tracee.registers().rip
        if try driver.run(.step(signal: nil)) == .syscallEntry { try driver.makeCall() }
        // An engine may make one step of all iterations of an instruction.
        if try driver.tracee.registers().rip != place {
          while truth.steps[index].registers.rip == place { index += 1 }
        }
      }
      let step = truth.steps[index]
      try expect(driver, at: step.ticks, step.registers, "step \(index), seed \(random.seed)")
      index += 1
    }
  }

  private func expect(_ driver: EngineDriver, at ticks: UInt64, _ registers: Registers, _ how: String) throws {
    let differences = registers.differences(from: try driver.tracee.registers())
    try #require(differences.isEmpty, "\(how), tick \(ticks): \(differences)")
    try #require(driver.ticks == ticks, "\(how): \(driver.ticks) instead of \(ticks)")
  }
}
