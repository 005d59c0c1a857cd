/// The registers as XML. GDB manual, "Target Descriptions" and "Standard Target Features", "x86 Features".
package enum TargetDescription {
  package static func xml(_ file: RegisterFile) -> String {
    var text = """
      <?xml version="1.0"?>
      <!DOCTYPE target SYSTEM "gdb-target.dtd">
      <target version="1.0">
      <architecture>i386:x86-64</architecture>
      <osabi>GNU/Linux</osabi>

      """
    for feature in RegisterDescription.Feature.allCases {
      let registers = file.registers.enumerated().filter { $0.element.feature == feature }
      guard !registers.isEmpty else { continue }
      text += "<feature name=\"\(feature.name)\">\n" + types(of: feature)
      for (number, register) in registers {
        text += "<reg name=\"\(register.name)\" bitsize=\"\(register.bitCount)\" type=\"\(register.type)\""
        if let group = register.group { text += " group=\"\(group)\"" }
        text += " regnum=\"\(number)\"/>\n"
      }
      text += "</feature>\n"
    }
    return text + "</target>\n"
  }

  private static func types(of feature: RegisterDescription.Feature) -> String {
    switch feature {
    case .core:
      flags(
        "i386_eflags",
        [
          ("CF", 0), ("", 1), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("TF", 8), ("IF", 9), ("DF", 10), ("OF", 11),
          ("NT", 14), ("RF", 16), ("VM", 17), ("AC", 18), ("VIF", 19), ("VIP", 20), ("ID", 21),
        ])
    case .sse:
      vec128
        + flags(
          "i386_mxcsr",
          [
            ("IE", 0), ("DE", 1), ("ZE", 2), ("OE", 3), ("UE", 4), ("PE", 5), ("DAZ", 6), ("IM", 7), ("DM", 8),
            ("ZM", 9), ("OM", 10), ("UM", 11), ("PM", 12), ("FZ", 15),
          ])
    case .avx512: vec128 + vector("v2ui128", "uint128", 2)
    case .linux, .segments, .avx, .pkeys: ""
    }
  }

  /// The ways to look at an XMM register.
  private static let vec128: String = {
    let views: [(field: String, id: String, type: String, count: Int)] = [
      ("v4_float", "v4f", "ieee_single", 4), ("v2_double", "v2d", "ieee_double", 2), ("v16_int8", "v16i8", "int8", 16),
      ("v8_int16", "v8i16", "int16", 8), ("v4_int32", "v4i32", "int32", 4), ("v2_int64", "v2i64", "int64", 2),
    ]
    let fields = views.map { "<field name=\"\($0.field)\" type=\"\($0.id)\"/>\n" }.joined()
    return views.map { vector($0.id, $0.type, $0.count) }.joined()
      + "<union id=\"vec128\">\n\(fields)<field name=\"uint128\" type=\"uint128\"/>\n</union>\n"
  }()

  private static func vector(_ id: String, _ type: String, _ count: Int) -> String {
    "<vector id=\"\(id)\" type=\"\(type)\" count=\"\(count)\"/>\n"
  }

  private static func flags(_ id: String, _ bits: [(name: String, bit: Int)]) -> String {
    "<flags id=\"\(id)\" size=\"4\">\n"
      + bits.map { "<field name=\"\($0.name)\" start=\"\($0.bit)\" end=\"\($0.bit)\"/>\n" }.joined() + "</flags>\n"
  }
}
