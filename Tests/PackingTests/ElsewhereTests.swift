import Foundation
import Glibc
import TestSupport
import Testing

/// Packed traces need nothing of the machine that they were recorded on.
@Suite(
  .serialized, .timeLimit(.minutes(10)), .enabled(if: RRSCommand.isBuilt, "rrs isn't built"),
  .enabled(if: OtherMachine.isPossible, "making another root directory needs root, or namespaces of users"))
struct ElsewhereTests {
  @Test(.enabled(if: TestEnvironment.has("python3"), "python3 isn't installed")) func python() throws {
    try check("exec python3 -c 'import json, os; print(json.dumps([os.getpid(), 2 ** 70]))'", debugging: "python3")
  }

  @Test(.enabled(if: TestEnvironment.has("gcc"), "gcc isn't installed")) func compiler() throws {
    try check(
      "echo 'int main(void) { return 3; }' > three.c; gcc -o three three.c && ./three; echo $?", debugging: "gcc")
  }

  @Test(.enabled(if: TestEnvironment.has("nginx"), "nginx isn't installed")) func nginx() throws {
    try check(
      """
      echo 'events {} pid nginx.pid; http { access_log off; }' > nginx.conf
      nginx -t -p . -c nginx.conf -e errors; cat errors
      """, debugging: "nginx")
  }

  /// Records a script, packs, and replays, shows and debugs that where there is nothing but the trace.
  private func check(_ script: String, debugging program: String) throws {
    let directory = try TemporaryDirectory("elsewhere")
    var trial = RecordReplay(["/bin/bash", "-c", script])
    trial.checksumInterval = 499
    trial.seconds = 60
    let recording = try trial.record(in: directory)
    #expect(recording.isSuccess, "\(recording)")
    TemporaryDirectory.remove(directory.file("work"))
    let dump = try RRSCommand.run(["dump", directory.file("trace")])
    let packing = try RRSCommand.run(["pack", "--debug-files", directory.file("trace")], within: 120)
    #expect(packing.isSuccess, "\(packing)")
    let moved = directory.file("moved")
    #expect(rename(directory.file("trace"), moved) == 0)

    let machine = try OtherMachine()
    let replay = try machine.rrs(["replay", "-a", "/trace"], trace: moved, within: 120)
    #expect(RecordReplay.compare(recording, replay).isEmpty, "\(replay)")
    let dumped = try machine.rrs(["dump", "/trace"], trace: moved)
    #expect(dumped.output == dump.output && !dump.output.isEmpty, "\(dumped)")
    // A recording knows programs by their own names, not those of links.
    let path = URL(fileURLWithPath: try #require(TestEnvironment.find(program))).resolvingSymlinksInPath().path
    let debugging = try machine.debug(
      moved, ["break exit", "continue", "backtrace", "info sharedlibrary"], options: ["-q", "-p", path])
    #expect(debugging.outputText.contains(/Breakpoint 1, .*exit/), "\(debugging)")
    #expect(debugging.outputText.contains("in __libc_start"), "\(debugging)")
    #expect(debugging.outputText.contains(/Yes.* \/trace\/sysroot\/.*libc\.so\.6/), "\(debugging)")
  }

  // MARK: - Debug information

  /// Where a compiler puts it: into the program; into `.dwo` files; elsewhere, found by build id or by name.
  static let kinds: [(name: String, build: String)] = [
    ("inside", "gcc -g $flags -o program calls.c"),
    ("split", "gcc -g -gsplit-dwarf $flags -c -o calls.o calls.c && gcc -pthread -o program calls.o"),
    ("split-4", "gcc -g -gdwarf-4 -gsplit-dwarf $flags -c -o calls.o calls.c && gcc -pthread -o program calls.o"),
    ("by-id", "gcc -g -Wl,--build-id $flags -o program calls.c && \(takeOut)"),
    ("by-name", "gcc -g -Wl,--build-id=none $flags -o program calls.c && \(takeOut)"),
  ]

  private static let takeOut =
    "objcopy --only-keep-debug program program.debug && strip -g program && objcopy --add-gnu-debuglink=program.debug program"

  @Test(.enabled(if: TestEnvironment.has("gcc", "objcopy", "gdb"), "needs gcc, objcopy and gdb"), arguments: kinds.map(\.name))
  func debugInformation(kind: String) throws {
    let build = try #require(Self.kinds.first { $0.name == kind }).build
    let directory = try TemporaryDirectory("elsewhere")
    let home = try directory.makeDirectory("home")
    for name in ["debugger/calls.c", "check.h"] {
      try FileManager.default.copyItem(
        atPath: TestProgram.directory + "/" + name, toPath: home + "/" + (name as NSString).lastPathComponent)
    }
    let built = try TestSupport.run(
      ["/bin/bash", "-c", "flags='-std=gnu11 -O1 -pthread -I.'; \(build)"], directory: home)
    #expect(built.isSuccess, "\(built)")
    let trace = directory.file("trace")
    let recording = try RRSCommand.run(["record", "-o", trace, "--", home + "/program"], directory: home)
    let packing = try RRSCommand.run(["pack", "--debug-files", trace])
    #expect(recording.isSuccess && packing.isSuccess, "\(recording)\n\(packing)")
    let state = try SmallTrace.state(of: trace)
    #expect(try RRSCommand.run(["pack", "--debug-files", trace]).isSuccess)
    #expect(try SmallTrace.state(of: trace) == state)

    let archive = directory.file("trace.rrs")
    #expect(try RRSCommand.run(["pack", "--archive", archive, trace]).isSuccess)

    // Changed in place first, then gone.
    let machine = try OtherMachine()
    for name in TemporaryDirectory.contents(home) {
      let file = try #require(FileHandle(forWritingAtPath: home + "/" + name))
      try file.write(contentsOf: Data(repeating: 7, count: 5000))
      try file.close()
    }
    for changed in [true, false] {
      if !changed { TemporaryDirectory.remove(home) }
      let replay = try RRSCommand.run(["replay", "-a", trace])
      #expect(RecordReplay.compare(recording, replay).isEmpty, "\(replay)")
      let debugging = try machine.debug(trace, ["break fib", "continue", "backtrace"], options: ["-q"])
      #expect(debugging.outputText.contains(/Breakpoint 1, fib \(n=(n@entry=)?9\) at .*calls\.c/), "\(debugging)")
      #expect(debugging.outputText.contains(/#1 .* in main \(.*\) at .*calls\.c/), "\(debugging)")
    }
    // Out of an archive rrs serves the files that were mapped: gdb looks for others on its own machine alone.
    guard kind == "inside" else { return }
    let archived = try machine.debug(archive, ["break fib", "continue", "backtrace"], options: ["-q"])
    #expect(archived.outputText.contains(/#1 .* in main \(.*\) at .*calls\.c/), "\(archived)")
  }
}
