package import KernelABI

/// The auxiliary vector on a fresh process's stack (getauxval(3)).
package enum AuxiliaryVector {
  package static let ignore: UInt64 = 1
  package static let sysinfoHeader: UInt64 = 33

  /// The address of the entry of that type. Preconditions: `stack` is the stack pointer at the program's entry.
  package static func locate(_ type: UInt64, _ tracee: Tracee, stack: RemotePointer) -> RemotePointer? {
    guard var position = start(tracee, stack: stack) else { return nil }
    var reader = PageReader(tracee)
    while let found = reader.word(position), found != 0 {
      if found == type { return position }
      position = position + 16
    }
    return nil
  }

  /// Where it begins: behind the arguments and the environment.
  package static func start(_ tracee: Tracee, stack: RemotePointer) -> RemotePointer? {
    var reader = PageReader(tracee)
    guard let count = reader.word(stack) else { return nil }
    var position = stack + (16 + Int(clamping: count) * 8)
    while let pointer = reader.word(position) {
      position = position + 8
      if pointer == 0 { return position }
    }
    return nil
  }
}
