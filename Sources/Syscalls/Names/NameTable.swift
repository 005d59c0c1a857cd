import KernelABI

/// The sets of names in which `dump` shows flags and enumerations (strace calls them xlats).
package enum NameTable: String, Sendable, CaseIterable {
  case accessFlags, accessMode, archPrctlOption, atFlags, clockID, cloneFlags, closeRangeFlags, compareType
  case descriptorFlags, epollCreateFlags, epollEvents, epollOperation, eventDescriptorFlags, fallocateMode
  case fanotifyInitFlags, fanotifyMarkFlags, fanotifyMask, fileAdvice, fileMode, fsconfigCommand, futex2Flags
  case futexOperation, getMemoryPolicyFlags, inotifyInitFlags, inotifyMask, intervalTimer, ioPriorityWhich
  case ipcGetFlags, ipOption, ipv6Option, leaseType, lockOperation, lockType, membarrierCommand, memfdFlags
  case memoryAdvice, memoryPolicy, memoryPolicyFlags, messageFlags, messageQueueFlags, mlockallFlags, mlockFlags
  case mmapFlags, mmapProtection, mountAttributes, mountFlags, mremapFlags, msyncFlags, netlinkOption, openFlags
  case openTreeFlags, packetOption, pidfdFlags, pipeFlags, pollEvents, priorityWhich, ptraceRequest, randomFlags
  case readWriteFlags, renameFlags, resourceLimit, resourceUsageWho, schedulerPolicy, sealFlags, seccompOperation
  case sharedMemoryFlags, signal, signalActionFlags, signalDescriptorFlags, signalMaskHow, socketDomain, socketLevel
  case socketOption, socketShutdown, socketType, spliceFlags, statxMask, syncRangeFlags, syslogAction, tcpOption
  case timerDescriptorCreateFlags, timerDescriptorFlags, timerFlags, unlinkFlags, unmountFlags, waitIdentifierType
  case waitOptions, whence, xattrFlags, xdpOption

  /// What a table holds. In a value, the bits of `mask` choose one of `choices`; the others are flags. A flag of
  /// several bits stands before those that are parts of it.
  struct Values: Sendable {
    var mask: UInt64
    var choices: [UInt64: String] = [:]
    var flags: [(value: UInt64, name: String)] = []
  }

  /// Read from text once: literals of this size would cost minutes of compile time.
  ///
  /// A line `@table mask` starts a table; lines with `:` give its choices, those with `|` its flags, as `NAME=value`.
  private static let values: [NameTable: Values] = {
    var result: [NameTable: Values] = [:]
    var table: NameTable?
    for text in [NameTextFirst.text, NameTextSecond.text] {
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard let first = words.first else { continue }
        if first.hasPrefix("@") {
          table = NameTable(rawValue: String(first.dropFirst()))
          if let table { result[table] = Values(mask: words[1] == "all" ? .max : number(words[1])) }
        } else if let table {
          for word in words.dropFirst() {
            let parts = word.split(separator: "=")
            guard parts.count == 2 else { continue }
            if first == ":" {
              result[table]?.choices[number(parts[1])] = String(parts[0])
            } else {
              result[table]?.flags.append((number(parts[1]), String(parts[0])))
            }
          }
        }
      }
    }
    return result
  }()

  private static func number(_ text: Substring) -> UInt64 {
    if text.hasPrefix("0x") { return UInt64(text.dropFirst(2), radix: 16) ?? 0 }
    return UInt64(text) ?? 0
  }

  var values: Values { Self.values[self] ?? Values(mask: 0) }

  /// The name of one value of an enumeration.
  package func name(of value: UInt64) -> String? {
    // The low byte of clone's flags is the signal at exit.
    if self == .signal || self == .cloneFlags {
      return (1...64).contains(value) ? Signal(rawValue: Int32(value)).description : nil
    }
    return values.choices[value] ?? values.choices[value & 0xffff_ffff]
  }

  /// The names of a value's flags, joined by `|`; bits without a name in hexadecimal.
  package func describe(_ value: UInt64) -> String {
    let values = self.values
    var parts: [String] = []
    var rest = value
    let choice = value & values.mask
    if values.mask != 0, let name = name(of: choice) {
      parts.append(name)
      rest &= ~values.mask
    }
    // The low bits of an IPC object's flags are its permissions.
    let permissions = self == .ipcGetFlags ? rest & 0o777 : 0
    rest &= ~permissions
    for flag in values.flags where flag.value != 0 && rest & flag.value == flag.value {
      parts.append(flag.name)
      rest &= ~flag.value
    }
    if permissions != 0 { parts.append("0" + String(permissions, radix: 8)) }
    if rest != 0 { parts.append("0x" + String(rest, radix: 16)) }
    if parts.isEmpty { return values.flags.first { $0.value == 0 }?.name ?? "0" }
    return parts.joined(separator: "|")
  }
}
