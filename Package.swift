// swift-tools-version: 6.2
import PackageDescription

// One table of layers: a target may depend only on targets of a lower layer (Tests/TidyTests checks the imports).

let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

func swiftTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies + [system], swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies + [system], swiftSettings: swiftSettings)
}

let package = Package(
  name: "rrs",
  products: [.executable(name: "rrs", targets: ["rrs"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    // Layer 0: C, C++ and system libraries.
    .target(name: "CLinuxShim"),
    .target(
      name: "CTraceFormat",
      cxxSettings: [.unsafeFlags(["-std=c++17"])],
      linkerSettings: [
        .linkedLibrary("capnp"), .linkedLibrary("kj"), .linkedLibrary("zstd"), .linkedLibrary("b2"),
        .linkedLibrary("stdc++"),
      ]),
    .target(
      name: "CUnwindShim",
      linkerSettings: [
        .linkedLibrary("unwind-ptrace"), .linkedLibrary("unwind-x86_64"), .linkedLibrary("unwind"),
        .linkedLibrary("lzma"),
      ]),
    .systemLibrary(name: "CZydis"),

    // Layer 1: the kernel's and the processor's vocabulary.
    swiftTarget("KernelABI", ["CLinuxShim"]),
    swiftTarget("X86", ["CZydis", "KernelABI"]),

    // Layer 2: pure knowledge, no ptrace.
    swiftTarget("Syscalls", ["KernelABI"]),
    swiftTarget("Scheduling", ["KernelABI"]),
    swiftTarget("RemoteProtocol", ["KernelABI"]),
    swiftTarget("TraceFormat", ["KernelABI", "CTraceFormat", "CLinuxShim"]),

    swiftTarget("ObjectFiles", []),
    swiftTarget("Packing", ["TraceFormat", "ObjectFiles"]),

    // Layer 3 and 4: tracees, and what runs them.
    swiftTarget("TraceeControl", ["KernelABI", "CLinuxShim", "CUnwindShim"]),
    swiftTarget("Execution", ["KernelABI", "X86", "TraceeControl", "CLinuxShim"]),

    swiftTarget("Translation", ["X86", "KernelABI", "TraceeControl", "Execution", "CLinuxShim"]),

    // Layer 5: the two sessions.
    swiftTarget(
      "Recording",
      ["KernelABI", "Scheduling", "Syscalls", "TraceFormat", "TraceeControl", "Execution", "CLinuxShim"]),
    swiftTarget("Replay", ["KernelABI", "Syscalls", "TraceFormat", "TraceeControl", "Execution", "CLinuxShim"]),

    // Layer 6: what debuggers see of a recording.
    swiftTarget(
      "Debugging",
      ["KernelABI", "Syscalls", "TraceFormat", "TraceeControl", "Execution", "Replay", "CLinuxShim"]),
    swiftTarget("DebugServer", ["Debugging", "RemoteProtocol", "Execution", "X86", "KernelABI", "CLinuxShim"]),

    // Layer 7: the command line.
    .executableTarget(
      name: "rrs",
      dependencies: [
        "KernelABI", "Syscalls", "TraceFormat", "TraceeControl", "Execution", "Translation", "Recording", "Replay",
        "Debugging", "DebugServer", "Packing", "ObjectFiles", "CLinuxShim", argumentParser, system,
      ],
      swiftSettings: swiftSettings),

    .target(
      name: "TestSupport", dependencies: ["CLinuxShim", system], path: "Tests/TestSupport",
      swiftSettings: swiftSettings),
    tests("KernelABITests", ["KernelABI"]),
    tests("TraceeControlTests", ["TraceeControl", "KernelABI"]),
    tests("ExecutionTests", ["Execution", "X86", "TraceeControl", "KernelABI", "CLinuxShim", "TestSupport"]),
    tests("SyscallsTests", ["Syscalls", "KernelABI"]),
    tests("SchedulingTests", ["Scheduling", "KernelABI"]),
    tests("DebuggingTests", ["Debugging", "Replay", "KernelABI"]),
    tests("DebugServerTests", ["DebugServer", "Debugging", "RemoteProtocol", "KernelABI", "TestSupport"]),
    tests("RemoteProtocolTests", ["RemoteProtocol", "KernelABI", "TestSupport"]),
    tests("X86Tests", ["X86", "KernelABI", "TestSupport"]),
    .target(name: "CTranslationHarness", path: "Tests/TranslationHarness/CTranslationHarness"),
    .executableTarget(
      name: "TranslationHarness",
      dependencies: ["X86", "KernelABI", "Execution", "Translation", "CTranslationHarness"],
      path: "Tests/TranslationHarness/TranslationHarness", swiftSettings: swiftSettings),
    tests("TranslationTests", ["Translation", "Execution", "X86", "KernelABI", "TestSupport", "TranslationHarness"]),
    tests("TraceFormatTests", ["TraceFormat", "KernelABI", "CLinuxShim", "TestSupport"]),
    tests("PackingTests", ["Packing", "ObjectFiles", "TraceFormat", "KernelABI", "TestSupport", "rrs"]),
    tests("RecordReplayTests", ["TestSupport"]),
    tests("CLITests", ["TestSupport", "ObjectFiles", "rrs"]),
    .target(
      name: "EngineTestSupport", dependencies: ["KernelABI", "X86", "TraceFormat", "TraceeControl", "Execution", "Translation", system],
      path: "Tests/EngineTestSupport", swiftSettings: swiftSettings),
    .executableTarget(
      name: "EngineHarness",
      dependencies: [
        "KernelABI", "TraceFormat", "Execution", "Translation", "Recording", "Replay", "EngineTestSupport",
      ],
      path: "Tests/EngineHarness", swiftSettings: swiftSettings),
    tests(
      "EngineTests",
      [
        "KernelABI", "X86", "TraceeControl", "Execution", "Translation", "CLinuxShim", "TestSupport", "EngineTestSupport",
        "EngineHarness",
      ]),
    .executableTarget(
      name: "TimelineHarness",
      dependencies: [
        "KernelABI", "TraceFormat", "TraceeControl", "Execution", "Translation", "Replay", "Debugging",
        "EngineTestSupport", "TestSupport",
      ],
      path: "Tests/TimelineHarness", swiftSettings: swiftSettings),
    tests("DebuggerTests", ["TestSupport", "TimelineHarness"]),
    tests("TidyTests", ["TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
