import Testing

/// Who may import whom. A module lies above everything that it imports; Package.swift says the same of the targets.
@Suite struct LayerTests {
  /// Every folder of Sources, its layer, and the modules of this package that it may import.
  static let modules: [String: (layer: Int, imports: Set<String>)] = [
    "CLinuxShim": (0, []),
    "CTraceFormat": (0, []),
    "CUnwindShim": (0, []),
    "CZydis": (0, []),
    "KernelABI": (1, ["CLinuxShim"]),
    "X86": (1, ["CZydis", "KernelABI"]),
    "Syscalls": (2, ["KernelABI"]),
    "Scheduling": (2, ["KernelABI"]),
    "RemoteProtocol": (2, ["KernelABI"]),
    "TraceFormat": (2, ["KernelABI", "CTraceFormat", "CLinuxShim"]),
    "ObjectFiles": (2, []),
    "Packing": (3, ["TraceFormat", "ObjectFiles"]),
    "TraceeControl": (3, ["KernelABI", "Syscalls", "CLinuxShim", "CUnwindShim"]),
    "Execution": (4, ["KernelABI", "X86", "TraceeControl", "CLinuxShim"]),
    "Translation": (4, ["X86", "KernelABI", "Execution", "TraceeControl", "CLinuxShim"]),
    "Recording": (
      5, ["KernelABI", "Scheduling", "Syscalls", "TraceFormat", "TraceeControl", "Execution", "CLinuxShim"]
    ),
    "Replay": (5, ["KernelABI", "Syscalls", "TraceFormat", "TraceeControl", "Execution", "CLinuxShim"]),
    "Debugging": (
      6, ["KernelABI", "Syscalls", "TraceFormat", "TraceeControl", "Execution", "Replay", "CLinuxShim"]
    ),
    "DebugServer": (6, ["Debugging", "RemoteProtocol", "Execution", "X86", "KernelABI", "CLinuxShim"]),
    "rrs": (
      7,
      [
        "KernelABI", "Syscalls", "TraceFormat", "TraceeControl", "Execution", "Translation", "Recording", "Replay",
        "Debugging", "DebugServer", "Packing", "ObjectFiles", "CLinuxShim",
      ]
    ),
  ]

  /// Beside the standard library. Only the command line parses arguments, and nothing at all uses Foundation: rrs
  /// starts in half the time without it, and a Dispatch thread may not make ptrace requests.
  static let outside: Set<String> = ["Glibc", "SystemPackage"]
  static let outsideOfCommandLine: Set<String> = ["ArgumentParser"]

  @Test func everyModuleHasALayer() {
    #expect(Set(SourceTree.entries(of: "Sources")) == Set(Self.modules.keys))
  }

  @Test func theTableItselfOnlyPointsDown() {
    for (name, module) in Self.modules {
      for imported in module.imports {
        guard let target = Self.modules[imported] else {
          Issue.record("\(name) may import \(imported), which doesn't exist")
          continue
        }
        // Modules of one layer may build on each other, as long as they do so one way.
        let isBelow = target.layer < module.layer || (target.layer == module.layer && !target.imports.contains(name))
        #expect(isBelow, "\(name) may not import \(imported)")
      }
    }
  }

  @Test func importsFollowTheTable() {
    for file in SourceTree.files(in: "Sources", extensions: ["swift"]) {
      let module = String(file.path.split(separator: "/")[1])
      let allowed = Self.modules[module]?.imports ?? []
      for imported in file.lines.compactMap(Self.importedModule) {
        let isAllowed =
          allowed.contains(imported) || Self.outside.contains(imported)
          || (module == "rrs" && Self.outsideOfCommandLine.contains(imported))
        #expect(isAllowed, "\(file.path) imports \(imported)")
      }
    }
  }

  /// The module of an import line, whatever stands before the keyword.
  static func importedModule(_ line: String) -> String? {
    let words = line.split(separator: " ")
    guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count else { return nil }
    let before = words[..<keyword]
    let access: Set<Substring> = ["package", "internal", "private", "public", "fileprivate"]
    guard before.allSatisfy({ access.contains($0) || $0.hasPrefix("@") }) else { return nil }
    // `import struct Module.Type` names the module in its last word.
    let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias", "var", "let"]
    let name = kinds.contains(words[keyword + 1]) ? words[keyword + 2] : words[keyword + 1]
    return name.split(separator: ".").first.map(String.init)
  }

  @Test func nothingBelowTheCommandLineIsAsynchronous() {
    let word = /\b(async|await|actor|Task|DispatchQueue)\b/
    for file in SourceTree.files(in: "Sources", extensions: ["swift"]) {
      for (index, line) in file.lines.enumerated() {
        let code = line.split(separator: "//", omittingEmptySubsequences: false).first ?? ""
        guard !code.contains("\"") else { continue }
        #expect(code.firstMatch(of: word) == nil, "\(file.path):\(index + 1): the tracer is one thread")
      }
    }
  }
}
