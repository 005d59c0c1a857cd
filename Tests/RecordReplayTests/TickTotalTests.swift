import Foundation
import TestSupport
import Testing

/// The ticks of a program that gets the same input are the same in every recording.
///
/// Only recordings are compared with each other: without rrs, a program has another clock, and another processor.
@Suite("Ticks", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct TickTotalTests {
  /// RRS_TEST_RECORDINGS: how often each is recorded.
  static let recordings = max(TestEnvironment.number("RRS_TEST_RECORDINGS") ?? 3, 2)

  struct Computation: Sendable, CustomTestStringConvertible {
    var name: String
    var needs: [String]
    /// Run before, not recorded; in the directory of the command.
    var setUp: String
    var command: [String]
    var testDescription: String { name }
  }

  static let computations = [
    Computation(
      name: "fib", needs: ["gcc"],
      setUp: """
        printf 'unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }\\nint main() { return fib(18) != 2584; }' \
        > fib.c; gcc -O1 -o fib fib.c
        """, command: ["./fib"]),
    Computation(name: "xz", needs: ["xz"], setUp: "seq 9000 > numbers", command: ["xz", "-1", "numbers"]),
    Computation(
      name: "sqlite3", needs: ["sqlite3"], setUp: ":",
      command: [
        "sqlite3", ":memory:",
        """
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
        select sum(i * i), count(*), group_concat(i) from n where i % 7 = 0
        """,
      ]),
    Computation(
      name: "cc1", needs: ["gcc"],
      setUp: """
        ln -s $(gcc -print-prog-name=cc1) cc1
        echo 'int f(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i] / 3; return s; }' > f.i
        """,
      command: ["./cc1", "-quiet", "-O2", "f.i", "-o", "f.s"]),
  ].filter { computation in computation.needs.allSatisfy { TestEnvironment.find($0) != nil } }

  @Test("are the same in every recording", .timeLimit(.minutes(10)), arguments: computations)
  func sameTicks(_ computation: Computation) throws {
    let directory = try TemporaryDirectory("ticks")
    var trails: [[String]] = []
    for _ in 1...Self.recordings {
      // The very same names of files: what a program does may depend on them.
      let work = try directory.makeDirectory("work"), trace = directory.file("trace")
      try #require(try run(["/bin/bash", "-c", computation.setUp], directory: work).isSuccess)
      let recording = try RRSCommand.run(
        ["record", "-o", trace, "--"] + computation.command, directory: work,
        environment: ["PATH": TestEnvironment.searchPath, "HOME": "/nonexistent"], within: 60 * TestEnvironment.patience)
      try #require(recording.isSuccess, "\(recording)")
      let dump = try RRSCommand.run(["dump", "--raw", trace])
      // Of each event its kind and ticks, up to the end of the process.
      trails.append(dump.outputText.split(separator: "\n").map { line in
        line.split(separator: " ").dropFirst(2).prefix(2).joined(separator: " ")
      })
      TemporaryDirectory.remove(work)
      TemporaryDirectory.remove(trace)
    }
    for (index, trail) in trails.enumerated().dropFirst() where trail != trails[0] {
      let place = zip(trail, trails[0]).prefix { $0 == $1 }.count
      let texts = [trails[0], trail].map { $0[place..<min(place + 3, $0.count)].joined(separator: ", ") }
      Issue.record("recordings 1 and \(index + 1) differ at event \(place + 1): \(texts[0]) and \(texts[1])")
    }
    // The event before the last, which ends the recording, is the process's end.
    let last = trails[0].dropLast().last?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    #expect(last > 1000, "\(last) ticks")
  }
}
