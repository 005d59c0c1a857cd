import Foundation
import Glibc
import TestSupport

/// A root directory that has nothing of this machine in its place: only a trace, as `/trace` (an archive as `/trace.rrs`),
/// and gdb. rrs and gdb find what they need of this machine below `/tools`. It exists while a command runs in it.
struct OtherMachine {
  /// Whether this machine lets us make one: by root's rights, or in a namespace of users.
  static let isPossible = (try? TestSupport.run(unshare + ["/bin/true"]).isSuccess) ?? false

  private static let unshare = ["/usr/bin/unshare", TestEnvironment.isRoot ? "-m" : "-Urm"]

  private let directory: TemporaryDirectory
  private let debugger: String
  /// Below `/tools`: the dynamic linker, and where it finds the libraries of rrs and gdb.
  private let linker: String
  private let libraries: String

  /// The arguments are the new root directory, the trace, gdb, and the command.
  private static let script = """
    set -e
    root=$1 trace=$2 gdb=$3; shift 3
    mount -t tmpfs none "$root"
    mkdir "$root/tools" "$root/proc" "$root/dev" "$root/tmp"
    if [ -d "$trace" ]; then mkdir "$root/trace"; else : > "$root/trace.rrs"; fi
    mount --bind "$trace" "$root"/trace*
    cp "$gdb" "$root/gdb"
    mount --rbind / "$root/tools"
    mount --rbind /dev "$root/dev"
    mount --rbind /proc "$root/proc"
    cd "$root"
    exec /usr/sbin/chroot "$root" "$TOOLS_LINKER" --library-path "$TOOLS_LIBRARIES" "$@"
    """

  init() throws {
    directory = try TemporaryDirectory("other-machine")
    debugger = try TestProgram("tools/moved_gdb").build()
    linker = "/tools" + (try Self.resolved("/lib64/ld-linux-x86-64.so.2"))
    let needed = try TestSupport.run(["ldd", RRSCommand.path]).outputText.matches(of: /=> (\/.*)\/[^\/]* \(/).map { "\($0.1)" }
    let directories = try Set(needed + ["/lib/x86_64-linux-gnu"]).map { "/tools" + (try Self.resolved($0)) }
    libraries = directories.sorted().joined(separator: ":")
  }

  private static func resolved(_ path: String) throws -> String {
    guard let resolved = realpath(path, nil) else { throw TestFailure("no \(path)") }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Runs rrs, which finds the trace as `/trace`.
  func rrs(_ arguments: [String], trace: String, within seconds: Double = 60) throws -> CommandResult {
    let root = try directory.makeDirectory("root")
    let script = try directory.write(Self.script, to: "enter")
    let command = ["/tools" + (try Self.resolved(RRSCommand.path))] + arguments
    return try TestSupport.run(
      Self.unshare + ["/bin/sh", script, root, trace, debugger] + command,
      environment: [
        "TOOLS_LINKER": linker, "TOOLS_LIBRARIES": libraries, "HOME": "/nonexistent", "XDG_CACHE_HOME": "/tmp",
        "PATH": TestEnvironment.searchPath,
      ], within: seconds * TestEnvironment.patience)
  }

  /// Where it is there.
  private static func place(_ trace: String) -> String { trace.hasSuffix(".rrs") ? "/trace.rrs" : "/trace" }

  /// gdb's output for these commands; `options` are those of `rrs replay`.
  func debug(_ trace: String, _ commands: [String], options: [String] = []) throws -> CommandResult {
    let handed = ["-batch", "-nx", "-ex", "set debuginfod enabled off"] + commands.flatMap { ["-ex", $0] }
    return try rrs(["replay", "-d", "/gdb"] + options + [Self.place(trace), "--"] + handed, trace: trace)
  }
}
