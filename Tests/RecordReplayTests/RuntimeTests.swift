import Foundation
import TestSupport
import Testing

/// Large programs that bring their own compiler, collector or unwinder. Not all machines have them.
@Suite("Runtimes", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct RuntimeTests {
  @Test("record and replay", .timeLimit(.minutes(10)), arguments: Runtimes.all.filter(\.isPossible))
  func runtime(_ workload: Workload) throws { try check(workload) }

  @Test("all are installed", .enabled(if: Runtimes.missing.isEmpty, "not installed: \(Runtimes.missing.joined(separator: ", "))"))
  func nothingIsMissing() {}

  @Test("Rust", .timeLimit(.minutes(10)), .enabled(if: Runtimes.rustCompiler != nil, "no rustc"))
  func rust() throws {
    let directory = try TemporaryDirectory("rust")
    let source = TestProgram.directory + "/runtimes/work.rs"
    let compiler = try #require(Runtimes.rustCompiler)
    let compilation = try run([compiler, "-O", "-o", directory.file("work"), source])
    try #require(compilation.isSuccess, "\(compilation)")
    var trial = RecordReplay([directory.file("work")])
    trial.checksumInterval = 101
    let outcome = try trial.run { $0.outputText.hasSuffix("EXIT-SUCCESS\n") ? nil : "the program failed" }
    #expect(outcome.problems.isEmpty, "\(outcome.report())")
  }
}

enum Runtimes {
  /// RRS_TEST_RUNTIME_SCALE: how much each has to do; where it is set, Java is among them.
  private static let scale = max(TestEnvironment.number("RRS_TEST_RUNTIME_SCALE") ?? 1, 1)

  static let all = quick + (isLong ? [java] : [])

  /// A virtual machine for Java takes minutes where rrs is built for debugging.
  private static let isLong = TestEnvironment.number("RRS_TEST_RUNTIME_SCALE") != nil

  private static let java = runtime(
    "java", needs: ["java", "javac"], files: ["Work.java"],
    script: "exec java -XX:TieredStopAtLevel=1 -XX:+UseParallelGC -Xmx40m -cp . Work \(scale)", setUp: "javac -d . Work.java")

  private static let quick: [Workload] = [
    runtime("node", needs: ["node"], files: ["node.js"], script: "exec node node.js \(scale)"),
    runtime(
      "gdb", needs: ["gdb"], script: "gdb -nx -batch -ex 'info functions' -ex 'info line main' -ex 'ptype int' /bin/true"),
    runtime(
      "static executables", needs: ["gcc"], script: "./form1 && ./form2 && ./form3 && ./form4 && ./form5",
      setUp: """
        printf '#include <stdio.h>\\n#include <time.h>\\n#include <unistd.h>\\nint main(void) { printf("%%p %%ld %%d\\\\n", \
        (void *)main, (long)time(0), getpid()); puts("EXIT-SUCCESS"); }' > form.c
        n=0; for form in -static -static-pie -no-pie -pie "-pie -Wl,-z,lazy"; do
        n=$((n + 1)); gcc -O1 $form -o form$n form.c || exit 1; done
        """),
    runtime(
      "AddressSanitizer", needs: ["gcc"], files: ["overflow.c"],
      script: "ASAN_OPTIONS=detect_leaks=0 exec ./overflow", setUp: "gcc -g -O1 -fsanitize=address -o overflow overflow.c"),
    runtime(
      "exceptions", needs: ["g++"], files: ["unwind.cpp"], script: "exec ./unwind",
      setUp: "g++ -O2 -pthread -o unwind unwind.cpp"),
    runtime(
      "luajit", needs: ["luajit"],
      script: """
        exec luajit -e 'local t = {} for i = 1, 3e5 do t[i % 1000] = (t[i % 1000] or 0) + i % 7 * os.clock() / os.clock() end \
        print(#t, os.time()) print("EXIT-SUCCESS")'
        """),
    runtime(
      "pypy3", needs: ["pypy3"], script: "exec pypy3 -c 'print(sum(i * i % 7 for i in range(10**6))); print(\"EXIT-SUCCESS\")'"),
  ]

  static let missing = all.filter { !$0.isPossible }.map(\.name) + (rustCompiler == nil ? ["rustc"] : [])

  static let rustCompiler: String? = [
    TestEnvironment.find("rustc"), NSHomeDirectory() + "/.cargo/bin/rustc",
  ].compactMap { $0 }.first { access($0, X_OK) == 0 }

  /// What `setUp` does isn't recorded.
  private static func runtime(
    _ name: String, needs: [String], files: [String] = [], script: String, setUp: String? = nil
  ) -> Workload {
    var workload = Workload(name: name, needs: needs, script: script)
    workload.files = files.map { "runtimes/" + $0 }
    workload.setUp = setUp
    workload.seconds = 200
    workload.replays = 1
    workload.shows = name == "gdb" ? "All defined functions" : "EXIT-SUCCESS"
    return workload
  }
}
