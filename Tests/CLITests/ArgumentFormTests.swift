import Testing
import rrs

/// Every form of an option that rr's users write means the same to rrs.
@Suite struct ArgumentFormTests {
  static let normalizer = ArgumentNormalizer(
    verbs: [
      VerbForm(
        name: "record",
        options: [
          .value("output-trace-dir", "o"), .value("env", "v"), .flag("wait", "w"), .flag("always-switch", "s"),
          .value("num-cores"),
        ],
        endsAtProgram: true),
      VerbForm(name: "replay", options: [.flag("autopilot", "a"), .value("goto", "g"), .value("stats")]),
      VerbForm(name: "ls", options: [.flag("full-listing", "l"), .flag("sort-by-age", "t"), .flag("reverse", "r")]),
      VerbForm(name: "rm", options: [.flag("force", "f")]),
    ],
    globalOptions: [.flag("mark-stdio", "M"), .value("checksum", "C")],
    isTrace: { $0.hasSuffix("/") })

  static func normalized(_ line: String) throws(UsageError) -> String {
    try normalizer.normalize(line.split(separator: " ").map(String.init)).joined(separator: " ")
  }

  @Test(arguments: [
    // The five forms of a value.
    ("record -oDIR ls", "record --output-trace-dir=DIR -- ls"),
    ("record -o DIR ls", "record --output-trace-dir=DIR -- ls"),
    ("record -o=DIR ls", "record --output-trace-dir=DIR -- ls"),
    ("record --output-trace-dir=DIR ls", "record --output-trace-dir=DIR -- ls"),
    ("record --output-trace-dir DIR ls", "record --output-trace-dir=DIR -- ls"),
    // Values that look like options, or hold an equals sign.
    ("replay -a -g -5", "replay --autopilot --goto=-5"),
    ("record -v A=B=C env", "record --env=A=B=C -- env"),
    ("record --env=A= env", "record --env=A= -- env"),
    ("record -o= ls", "record --output-trace-dir= -- ls"),
    // Clusters, also with a value at the end.
    ("ls -ltr", "ls --full-listing --sort-by-age --reverse"),
    ("record -wso DIR ls", "record --wait --always-switch --output-trace-dir=DIR -- ls"),
    // What belongs to the program stays as it is.
    ("record ls -o x --bogus", "record -- ls -o x --bogus"),
    ("record -- -weird -w", "record -- -weird -w"),
    ("record -w -- ls -- -w", "record --wait -- ls -- -w"),
    ("record - -w", "record -- - -w"),
    // Global options before and after the verb.
    ("-M record ls", "record --mark-stdio -- ls"),
    ("record -M ls", "record --mark-stdio -- ls"),
    ("-C 3 replay -a x", "replay --checksum=3 --autopilot -- x"),
    ("--checksum=on-all-events record ls", "record --checksum=on-all-events -- ls"),
    // Options behind an argument, where no program starts.
    ("rm trace -f", "rm --force -- trace"),
    ("replay trace -a", "replay --autopilot -- trace"),
    // No verb: a directory is replayed, everything else recorded.
    ("ls/ -a", "replay --autopilot -- ls/"),
    ("-a ls/", "replay --autopilot -- ls/"),
    ("prog arg -x", "record -- prog arg -x"),
    ("-o DIR prog", "record --output-trace-dir=DIR -- prog"),
    ("-M prog", "record --mark-stdio -- prog"),
    ("-- record", "record -- record"),
    // Help and the like.
    ("help record", "help record"), ("record --help", "help record"), ("--help", "--help"), ("-h", "--help"),
    ("-N", "--version"), ("-L", "--list-commands"), ("", ""),
  ])
  func formsAreUnified(_ line: String, _ expected: String) throws {
    #expect(try Self.normalized(line) == expected)
  }

  @Test(arguments: [
    ("record -z ls", "unknown option '-z'; see 'rrs help record'"),
    ("record -wz ls", "unknown option '-z'; see 'rrs help record'"),
    ("record --bogus=3 ls", "unknown option '--bogus'; see 'rrs help record'"),
    ("replay -a --sta 3", "unknown option '--sta'; see 'rrs help replay'"),
    ("record -o", "option '-o' needs a value; see 'rrs help record'"),
    ("record --env", "option '--env' needs a value; see 'rrs help record'"),
    ("record --wait=yes ls", "option '--wait' takes no value; see 'rrs help record'"),
    ("--bogus prog", "unknown option '--bogus'; see 'rrs help record'"),
  ])
  func mistakesAreNamed(_ line: String, _ expected: String) {
    #expect(throws: UsageError(expected)) { try Self.normalized(line) }
  }

  @Test(arguments: [
    ("127", EventSelector.range(127, 127)), ("1000-5000", .range(1000, 5000)), ("end", .end),
  ])
  func selectorsAreRead(_ text: String, _ expected: EventSelector) {
    #expect(EventSelector(parsing: text) == expected)
  }

  @Test(arguments: ["", "-", "5-", "-5", "5-3", "x", "1-2-3", "+5", "End", "18446744073709551616"])
  func selectorsAreRefused(_ text: String) {
    #expect(EventSelector(parsing: text) == nil)
  }
}
