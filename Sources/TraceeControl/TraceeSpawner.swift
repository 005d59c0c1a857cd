import CLinuxShim
package import KernelABI
package import SystemPackage

/// Starts a program as a tracee.
package enum TraceeSpawner {
  /// The program could not be executed.
  package struct ExecFailed: Error {
    package var errno: Errno
  }

  package struct Options {
    package var randomizeAddresses = false
    package var trapTimeStampCounter = true
    /// A session of its own, without a terminal: for replays, which no key may reach.
    package var newSession = false

    package init() {}
  }

  /// Returns the tid of the new tracee, in the system-call-exit-stop of its execve: nothing of the program ran yet.
  package static func spawn(
    path: String, arguments: [String], environment: [String], options: Options
  ) throws -> Tid {
    var flags = 0
    if !options.randomizeAddresses { flags |= RRS_SPAWN_NO_RANDOMIZE }
    if options.trapTimeStampCounter { flags |= RRS_SPAWN_TRAP_TSC }
    if options.newSession { flags |= RRS_SPAWN_NEW_SESSION }
    var release: Int32 = -1
    var failure: Int32 = -1
    let pid = withCStrings(arguments) { argv in
      withCStrings(environment) { envp in
        rrs_spawn(path, argv, envp, Int32(flags), &release, &failure)
      }
    }
    let tid = Tid(Int32(try check(pid, "fork")))
    defer { _ = rrs_close(failure) }
    do {
      try Ptrace.seize(tid)
    } catch {
      _ = rrs_close(release)
      throw error
    }
    var byte: UInt8 = 0
    _ = rrs_write(release, &byte, 1)
    _ = rrs_close(release)
    try runToImage(tid, failure: failure)
    return tid
  }

  /// From the child's set-up to the exit-stop of its execve.
  private static func runToImage(_ tid: Tid, failure: Int32) throws {
    while true {
      var status: Int32 = 0
      let result = rrs_wait(tid.rawValue, &status, 0)
      if result == -4 { continue }
      _ = try check(result, "wait4", tid: tid)
      switch WaitStatus(raw: status) {
      case .event(.exec, _):
        try Ptrace.resumeToSyscallStop(tid)
      case .syscallStop:
        return
      case .exited, .killed:
        var error: Int32 = 0
        let count = withUnsafeMutableBytes(of: &error) { rrs_read(failure, $0.baseAddress, 4) }
        throw ExecFailed(errno: count == 4 ? Errno(rawValue: error) : .ioError)
      default:
        try Ptrace.resume(tid)
      }
    }
  }

  private static func withCStrings<R>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
  ) -> R {
    var bytes: [CChar] = []
    var offsets: [Int] = []
    for string in strings {
      offsets.append(bytes.count)
      bytes += string.utf8CString
    }
    return bytes.withUnsafeMutableBufferPointer { buffer in
      var pointers: [UnsafeMutablePointer<CChar>?] = []
      for offset in offsets { pointers.append(buffer.baseAddress.map { base in base + offset }) }
      pointers.append(nil)
      return pointers.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    }
  }
}
