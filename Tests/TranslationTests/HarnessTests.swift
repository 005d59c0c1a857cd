import Foundation
import TestSupport
import Testing

/// Native and translated runs compared, by the harness, which is a program of its own: what it runs may do anything.
@Suite(.serialized) struct HarnessTests {
  static let harness = URL(fileURLWithPath: RRSCommand.path).deletingLastPathComponent().path + "/TranslationHarness"

  #if DEBUG
  static let defaultCases = 300
  #else
  static let defaultCases = 2000
  #endif

  /// Random programs: all registers, flags, memory, faults and ticks, and the state at chosen ticks and breakpoints.
  /// RRS_TRANSLATION_CASES asks for a longer run; RRS_TEST_SEED for a certain one.
  @Test(arguments: ["near", "far", "split"], ["transfers", "branches"])
  func randomPrograms(placement: String, ticks: String) throws {
    let cases = TestEnvironment.number("RRS_TRANSLATION_CASES") ?? Self.defaultCases
    let seed = SeededRandom.repeatable().seed
    let result = try run(
      [Self.harness, "random", "\(seed)", "\(cases)", placement, ticks], within: 300 + Double(cases) / 20)
    #expect(result.isSuccess, "seed \(seed): \(result)")
  }

  /// A breakpoint behind a tick that a liveness scan allowed, where the scan from the breakpoint has a longer way to go:
  /// both must find the same flags dead.
  @Test func aFlagAtABreakpoint() throws {
    let result = try run([Self.harness, "random", "535102204", "1", "near", "transfers"], within: 60)
    #expect(result.isSuccess, "\(result)")
  }

  /// Functions as a compiler makes them, and all that they call in the C library.
  @Test(.enabled(if: TestEnvironment.has("gcc")), arguments: ["near", "far"], ["-O0", "-O2", "-O3"])
  func realFunctions(placement: String, optimization: String) throws {
    let directory = try TemporaryDirectory()
    let library = directory.file("functions.so")
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
      + "/TranslationHarness/functions.c"
    let compilation = try run(["gcc", optimization, "-shared", "-fPIC", "-o", library, source])
    try #require(compilation.isSuccess, "\(compilation)")
    let result = try run([Self.harness, "functions", library, placement], within: 300)
    #expect(result.isSuccess, "\(result)")
  }
}
