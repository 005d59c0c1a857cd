package import SystemPackage

/// The kernel refused an operation that rrs needs.
package struct KernelError: Error, CustomStringConvertible {
  /// What rrs was doing, as a verb phrase with its object: "open /x/y", "PTRACE_SEIZE".
  package var operation: String
  package var tid: Tid?
  package var errno: Errno

  package init(_ operation: String, tid: Tid? = nil, errno: Errno) {
    self.operation = operation
    self.tid = tid
    self.errno = errno
  }

  package var description: String {
    let tracee = tid.map { " (tracee \($0))" } ?? ""
    return "\(operation)\(tracee): \(errno)"
  }
}

/// Turns a shim's `-errno` into an error.
package func check(_ result: Int, _ operation: @autoclosure () -> String, tid: Tid? = nil) throws(KernelError) -> Int {
  if result < 0 && result >= -4095 {
    throw KernelError(operation(), tid: tid, errno: Errno(rawValue: CInt(-result)))
  }
  return result
}
