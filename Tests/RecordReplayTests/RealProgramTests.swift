import Foundation
import TestSupport
import Testing

/// Programs of the distribution, none of them ours.
@Suite("Real programs", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct RealProgramTests {
  @Test("files", .timeLimit(.minutes(10)), arguments: Workloads.fileTools)
  func fileTools(_ workload: Workload) throws { try check(workload) }

  @Test("python3", .timeLimit(.minutes(10)), arguments: Workloads.python)
  func python(_ workload: Workload) throws { try check(workload) }

  @Test("compilers and interpreters", .timeLimit(.minutes(10)), arguments: Workloads.languages)
  func languages(_ workload: Workload) throws { try check(workload) }

  @Test("servers", .timeLimit(.minutes(10)), arguments: Workloads.servers)
  func servers(_ workload: Workload) throws { try check(workload) }
}
