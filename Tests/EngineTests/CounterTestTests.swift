import EngineTestSupport
import Execution
import Glibc
import KernelABI
import Testing

/// The test that a counter has to pass before it is used, on good and on bad ones.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct CounterTestTests {
  private func fault(_ change: (inout SimulatedCounters.Behaviour) -> Void) -> String? {
    var behaviour = SimulatedCounters.Behaviour()
    change(&behaviour)
    return CounterTest.fault(of: { _ in SimulatedCounters(behaviour) }, rounds: 3, branches: 500)
  }

  @Test func aGoodCounterPasses() {
    #expect(fault { $0.seed = 7 } == nil)
  }

  @Test func lateInterruptsAreFound() {
    let fault = fault { $0.latePercentage = 100 }
    #expect(fault?.contains("too late") ?? false, "\(fault ?? "passes")")
  }

  @Test func lostInterruptsAreFound() {
    #expect(fault { $0.lossPercentage = 100 } == "doesn't interrupt the program")
  }

  /// Real counting and real signals of the kernel: how often one instruction was executed can be counted anywhere.
  @Test(.enabled(if: hasEvents, "no perf_event_open")) func theKernelsCounterOfAnInstructionPasses() {
    func fault(skidMax: UInt64) -> String? {
      CounterTest.fault(
        of: { PerformanceCounters(event: .executions(of: $0.branchAddress), skidMax: skidMax) }, branches: 1000)
    }
    #expect(fault(skidMax: 5) == nil)
    #expect(fault(skidMax: 0) == nil)
  }

  private static let hasEvents: Bool = {
    let descriptor = try? PerformanceCounters.open(.executions(of: 4096), tid: Tid(0))
    if let descriptor { close(descriptor) }
    return descriptor != nil
  }()

  @Test func anEventThatIsNotThereIsSaidSo() {
    let fault = CounterTest.fault { _ in PerformanceCounters(event: .init(type: 4711), skidMax: 5) }
    #expect(fault?.hasPrefix("can't be used (perf_event_open") ?? false, "it \(fault ?? "passes")")
  }
}
