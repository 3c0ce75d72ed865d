// The exchange's numbers, and what one of them lets a client conclude. A number that is not listed has no
// meaning here, and a write that it answers is unknown: a new number must be read about before it is trusted.

package enum ErrorMeaning: Equatable, Sendable {
    case rejected(Rejection.Kind)
    case unknown(Unknown.Reason)
    case throttled(Throttling.Cause)
}

package enum ErrorCodes {
    static func meaning(of code: Int, text: String) -> ErrorMeaning? {
        switch code {
        case -1000, -1001, -1006, -1007, -2012, -4083: .unknown(.exchangeUnsure)
        case -4116: .unknown(.alreadyThere)
        case -2010 where text.lowercased().contains("duplicate"): .unknown(.alreadyThere)
        case -1003: .throttled(.weight)
        case -1008: .throttled(.overloaded)
        case -1015: .throttled(.orders)
        case -1021, -5028: .rejected(.clock)
        case -1002, -1011, -1022, -2014, -2015, -2017: .rejected(.credentials)
        case -2011, -2013: .rejected(.notFound)
        case -4046, -4059: .rejected(.unchanged)
        default: refused.contains(code) ? .rejected(.request) : nil
        }
    }

    private static let refused: Set<Int> = [
        -1010, -1013, -1014, -1016, -1020, -1023, -1099, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1111,
        -1112, -1114, -1115, -1116, -1117, -1118, -1119, -1120, -1121, -1122, -1125, -1127, -1128, -1130, -1136,
        -2010, -2016, -2018, -2019, -2020, -2021, -2022, -2023, -2024, -2025, -2026, -2027, -2028, -4001, -4002,
        -4003, -4004, -4005, -4013, -4014, -4015, -4016, -4021, -4023, -4024, -4028, -4047, -4048, -4060, -4061,
        -4062, -4067, -4068, -4082, -4087, -4088, -4105, -4106, -4107, -4109, -4117, -4118, -4120, -4131, -4135,
        -4137, -4138, -4140, -4141, -4142, -4161, -4164, -4189, -4192, -4400, -4401, -4531, -5021, -5022, -5024,
        -5025, -5026, -5027, -5029, -5037, -5038, -5039, -5040, -5041,
    ]
}
