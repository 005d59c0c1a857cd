import CLinuxShim
import KernelABI
package import TraceeControl

/// Tries a counter on a program whose branches are known: it must count them exactly, time and again, and its
/// interrupts must come in time. Virtual machines have counters that don't.
package enum CounterTest {
  /// Nil: it can be relied on. Else what is wrong with it, as the rest of a sentence that begins with "it".
  package static func fault(
    of makeSource: (Loop) -> any TickSource, rounds: Int = 5, branches: UInt64 = 20_000
  ) -> String? {
    do {
      let loop = try Loop()
      defer { loop.end() }
      return try fault(of: makeSource(loop), loop, rounds, branches)
    } catch let error as CounterError {
      return "failed: \(error)"
    } catch {
      return "can't be used (\(error))"
    }
  }

  private static func fault(
    of source: any TickSource, _ loop: Loop, _ rounds: Int, _ branches: UInt64
  ) throws -> String? {
    let counter = try source.makeCounter(for: loop.tracee)
    for _ in 0..<rounds {
      let count = try loop.run(counter, branches: branches, interruptAfter: nil).count
      guard count == branches else { return "counted \(count) of \(branches) branches" }
    }
    for round in 1...rounds {
      let branches = branches + 2 * source.skidMax
      let after = (branches - source.skidMax) * UInt64(round) / UInt64(rounds + 1)
      let (count, executed, isInterrupt) = try loop.run(counter, branches: branches, interruptAfter: after)
      guard isInterrupt else { return "doesn't interrupt the program" }
      // The branch itself may be still to come, or counted already.
      guard count <= executed + 1, executed <= count + 1 else { return "counted \(count) of \(executed) branches" }
      guard count >= after else { return "interrupts the program \(after - count) branches too early" }
      guard count - after <= source.skidMax else {
        return "interrupts the program \(count - after) branches too late, where \(source.skidMax) are expected"
      }
    }
    return nil
  }

  /// A tracee that executes as many conditional branches as it is told to.
  package final class Loop {
    package let tracee: Tracee
    /// `1: sub rcx, 1; jnz 1b; int3`
    private static let code: [UInt8] = [0x48, 0x83, 0xE9, 0x01, 0x75, 0xFA, 0xCC]
    private static let start = Gadget.dataAddress
    package var branchAddress: UInt64 { Self.start.rawValue + 4 }

    fileprivate init() throws {
      let tid = try TraceeSpawner.spawn(
        path: "/proc/self/exe", arguments: ["rrs-counter-test"], environment: [], options: .init())
      tracee = Tracee(
        tid: tid, recordedTid: tid, addressSpace: AddressSpace(), threadGroup: ThreadGroup(id: tid, recordedID: tid))
      do {
        try tracee.mapGadget()
        let readExecute: UInt64 = 5
        _ = try tracee.checkedRemoteCall(
          "mprotect", SyscallNumber.mprotect, Self.start.rawValue, pageSize, readExecute)
        tracee.write(Self.start, Self.code)
      } catch {
        end()
        throw error
      }
    }

    fileprivate func run(
      _ counter: any TickCounter, branches: UInt64, interruptAfter: UInt64?
    ) throws -> (count: UInt64, executed: UInt64, isInterrupt: Bool) {
      var registers = try tracee.registers()
      registers.rip = Self.start.rawValue
      registers.rcx = branches
      registers.origRax = UInt64.max
      tracee.setRegisters(registers)
      while true {
        try counter.run(tracee, stepping: false, signal: nil, interruptAfter: interruptAfter)
        let status = try tracee.wait()
        let count = try counter.stop(tracee)
        guard case .signalStop = status else { throw CounterError("the tracee that is counted met \(status)") }
        let info = try Ptrace.signalInfo(tracee.tid)
        let end = try tracee.registers()
        let isInterrupt = counter.isInterrupt(info)
        guard isInterrupt || info.signal == .trap else {
          throw CounterError("the tracee that is counted got \(info.signal)")
        }
        // Stopped before it began, by an interrupt of the round before.
        if isInterrupt, count == 0, end.rcx == branches, interruptAfter == nil { continue }
        let executed = branches - end.rcx
        return (count, executed, isInterrupt)
      }
    }

    fileprivate func end() {
      _ = rrs_syscall(SyscallNumber.kill, UInt(tracee.tid.rawValue), UInt(Signal.kill.rawValue), 0, 0, 0, 0)
      while let status = try? tracee.wait() {
        if status.rawExit != nil { return }
        try? tracee.resume()
      }
    }
  }
}
