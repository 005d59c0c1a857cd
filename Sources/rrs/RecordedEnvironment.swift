import Glibc

/// The environment that a recorded program gets: ours, what keeps common libraries from sources of input that a
/// recorder can't see, and what the user sets with `-v`.
struct RecordedEnvironment {
  private(set) var variables: [String] = []

  /// What rrs sets where the user hasn't.
  private static let defaults: [(name: String, value: String)] = [
    // Memory shared with daemons that aren't recorded.
    ("SSS_NSS_USE_MEMCACHE", "NO"),
    ("GIO_USE_VFS", "local"),
    // Memory shared with a graphics card.
    ("LIBGL_ALWAYS_SOFTWARE", "1"),
    ("GBM_ALWAYS_SOFTWARE", "1"),
    ("SDL_RENDER_DRIVER", "software"),
    // rdrand and rdseed can't be intercepted when code runs natively.
    ("OPENSSL_ia32cap", "~0x4000000000000000:~0x40000"),
    ("QT_NO_CPU_FEATURE", "rdrand"),
    ("SYSTEMD_RDRAND", "0"),
  ]

  init(settings: [String]) throws {
    var entry = environ
    while let text = entry.pointee {
      variables.append(String(cString: text))
      entry += 1
    }
    for (name, value) in Self.defaults where !isSet(name) { variables.append(name + "=" + value) }
    set(RecordCommand.nestingVariable, "1")
    for setting in settings {
      let (name, value) = try Self.split(setting)
      set(name, value)
    }
  }

  static func split(_ setting: String) throws -> (name: String, value: String) {
    guard let separator = setting.firstIndex(of: "="), separator != setting.startIndex else {
      throw UsageError("'\(setting)' doesn't set a variable: -v takes NAME=VALUE")
    }
    return (String(setting[..<separator]), String(setting[setting.index(after: separator)...]))
  }

  private func isSet(_ name: String) -> Bool { variables.contains { $0.hasPrefix(name + "=") } }

  private mutating func set(_ name: String, _ value: String) {
    variables.removeAll { $0.hasPrefix(name + "=") }
    variables.append(name + "=" + value)
  }
}
