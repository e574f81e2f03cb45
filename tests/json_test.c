/* json_test.c - json.c: which texts are an object and which are not, what is
 * found in them, and the values of strings and numbers, read and written.
 *
 * The rows walk through RFC 8259; its sections are named above them. Some take
 * the idea of a case from JSONTestSuite (github.com/nst/JSONTestSuite). What a
 * written string must be was generated with Python's json.dumps. Every text
 * ends at an unreadable page and so does every buffer. */
#include "json.h"

#include "test.h"

#define T(text) { "" text, sizeof("" text) - 1 }

/* Bytes as they can be printed, for messages: one at a time. */
static const char *shown(struct slice s)
{
    static char out[512];
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < sizeof out - 8; i++) {
        bool plain = s.at[i] >= ' ' && s.at[i] <= '~';
        n += (size_t)snprintf(out + n, sizeof out - n, plain ? "%c" : "<%02x>", (unsigned char)s.at[i]);
    }
    out[n] = '\0';
    return out;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* ---- what is an object ------------------------------------------------- */

struct text_row {
    struct slice text;
    enum json_result expected;
    const char *why;
};

#define TEXT(text, result, why) { T(text), result, why }
#define VALUE(value, result, why) TEXT("{\"a\":" value "}", result, why)
#define CHARS(chars, result, why) VALUE("\"" chars "\"", result, why)

static const struct text_row text_rows[] = {
    /* Section 2: one value, structural characters, white space. */
    TEXT("{}", JSON_OK, "the empty object"),
    TEXT("{\"a\":1}", JSON_OK, "one member"),
    TEXT("{\"a\":1,\"b\":2}", JSON_OK, "two members"),
    TEXT(" \t\r\n{ \t\r\n\"a\" \t\r\n: \t\r\n1 \t\r\n, \t\r\n\"b\" \t\r\n: \t\r\n2 \t\r\n} \t\r\n", JSON_OK,
         "white space wherever it may stand"),
    TEXT("{\"a\" : [ 1 , { \"b\" : [ ] } , \"c\" ] }", JSON_OK, "white space within an array"),
    TEXT("{ }", JSON_OK, "white space in the empty object"),
    TEXT("{}\n", JSON_OK, "a line"),
    TEXT("", JSON_BAD, "no text"),
    TEXT(" ", JSON_BAD, "a space only"),
    TEXT(" \t\r\n \n", JSON_BAD, "white space only"),
    TEXT("{} {}", JSON_BAD, "two objects"),
    TEXT("{}{}", JSON_BAD, "two objects, no space between"),
    TEXT("{}\n{}", JSON_BAD, "two lines"),
    TEXT("{},", JSON_BAD, "a comma behind the object"),
    TEXT("{}}", JSON_BAD, "one brace too many"),
    TEXT("{}]", JSON_BAD, "a bracket behind the object"),
    TEXT("{\"a\":1}x", JSON_BAD, "a letter behind the object"),
    TEXT("{\"a\":1}\"", JSON_BAD, "a quote behind the object"),
    TEXT("{\"a\":1};", JSON_BAD, "a semicolon behind the object"),
    TEXT("{}\0", JSON_BAD, "a NUL behind the object"),
    TEXT("\0{}", JSON_BAD, "a NUL in front"),
    TEXT("{\0}", JSON_BAD, "a NUL in the object"),
    TEXT("{\"a\":1\0}", JSON_BAD, "a NUL behind a value"),
    TEXT("{\f}", JSON_BAD, "form feed as white space"),
    TEXT("{\v}", JSON_BAD, "vertical tab as white space"),
    TEXT("\f{}", JSON_BAD, "form feed in front"),
    TEXT("{}\v", JSON_BAD, "vertical tab behind"),
    TEXT("{\b}", JSON_BAD, "backspace as white space"),
    TEXT("{\"a\":\xc2\xa0" "1}", JSON_BAD, "no-break space (U+00A0) as white space"),
    TEXT("{\"a\":\xa0" "1}", JSON_BAD, "no-break space in Latin-1"),
    TEXT("{\xe2\x80\xa8}", JSON_BAD, "line separator (U+2028) as white space"),
    TEXT("{\xe2\x81\xa0}", JSON_BAD, "word joiner (U+2060) as white space"),
    TEXT("{\xe3\x80\x80}", JSON_BAD, "ideographic space (U+3000) as white space"),
    TEXT("// x\n{}", JSON_BAD, "a line comment in front"),
    TEXT("{}//", JSON_BAD, "a line comment behind"),
    TEXT("{}#", JSON_BAD, "a shell comment behind"),
    TEXT("{/**/}", JSON_BAD, "a comment in the object"),
    TEXT("{\"a\":1/**/}", JSON_BAD, "a comment behind a value"),
    TEXT("{\"a\":/* one */1}", JSON_BAD, "a comment before a value"),
    TEXT("{\"a\":1}/**", JSON_BAD, "an unfinished comment behind"),
    TEXT("[]", JSON_BAD, "an array at the top"),
    TEXT("[{}]", JSON_BAD, "an object in an array"),
    TEXT("[{\"a\":1}", JSON_BAD, "an object behind a bracket"),
    TEXT("\"a\"", JSON_BAD, "a string at the top"),
    TEXT("1", JSON_BAD, "a number at the top"),
    TEXT("null", JSON_BAD, "null at the top"),
    TEXT("true", JSON_BAD, "true at the top"),
    TEXT("a", JSON_BAD, "a letter"),
    TEXT("<>", JSON_BAD, "angle brackets"),
    TEXT("({})", JSON_BAD, "parentheses"),
    TEXT("}", JSON_BAD, "a closing brace only"),
    TEXT("}{", JSON_BAD, "braces the wrong way round"),

    /* Section 3: values. */
    VALUE("null", JSON_OK, "null"),
    VALUE("true", JSON_OK, "true"),
    VALUE("false", JSON_OK, "false"),
    VALUE("[null,true,false]", JSON_OK, "literals in an array"),
    VALUE("Null", JSON_BAD, "null with a capital"),
    VALUE("True", JSON_BAD, "true with a capital"),
    VALUE("TRUE", JSON_BAD, "true in capitals"),
    VALUE("False", JSON_BAD, "false with a capital"),
    VALUE("falsE", JSON_BAD, "false ending in a capital"),
    VALUE("nul", JSON_BAD, "null cut short"),
    VALUE("tru", JSON_BAD, "true cut short"),
    VALUE("fals", JSON_BAD, "false cut short"),
    VALUE("nulll", JSON_BAD, "null and a letter"),
    VALUE("truefalse", JSON_BAD, "two literals"),
    VALUE("true false", JSON_BAD, "two literals and a space"),
    VALUE("nil", JSON_BAD, "nil"),
    VALUE("undefined", JSON_BAD, "undefined"),
    VALUE("b", JSON_BAD, "a bare word"),
    VALUE("'b'", JSON_BAD, "single quotes"),
    VALUE("`b`", JSON_BAD, "back quotes"),
    VALUE("\xe2\x80\x9c" "b\xe2\x80\x9d", JSON_BAD, "typographic quotes"),
    VALUE("", JSON_BAD, "no value"),
    VALUE(" ", JSON_BAD, "white space for a value"),
    VALUE("*", JSON_BAD, "a star"),
    VALUE("(1)", JSON_BAD, "a value in parentheses"),
    VALUE("new Date()", JSON_BAD, "an expression"),

    /* Section 4: objects. */
    VALUE("{}", JSON_OK, "an object in the object"),
    VALUE("{\"b\":{\"c\":{}}}", JSON_OK, "objects in objects"),
    VALUE("{\"b\":1,\"b\":2}", JSON_OK, "an inner object's names are not looked at"),
    VALUE("{\"a\":1}", JSON_OK, "an inner name like the outer one"),
    TEXT("{\"\":1}", JSON_OK, "the empty name"),
    TEXT("{\"\":1,\"\\u0000\":2}", JSON_OK, "the empty name and NUL"),
    TEXT("{\"a\":1,\"ab\":2,\"abc\":3}", JSON_OK, "names that begin others"),
    TEXT("{\"abc\":1,\"ab\":2,\"a\":3,\"\":4}", JSON_OK, "names that others begin with"),
    TEXT("{\"a\":1,\"a\\u0000\":2,\"a\\u0000b\":3}", JSON_OK, "names that differ behind a NUL"),
    TEXT("{\"a\":1,\"A\":2}", JSON_OK, "names that differ in case"),
    TEXT("{\"\xc3\xa9\":1,\"e\xcc\x81\":2}", JSON_OK, "names that only a normal form makes the same"),
    TEXT("{\"\\\\u0061\":1,\"a\":2}", JSON_OK, "an escaped backslash before u0061"),
    TEXT("{\"a\":1,\"a\":1}", JSON_TWICE, "the same member twice"),
    TEXT("{\"a\":null,\"b\":2,\"a\":[]}", JSON_TWICE, "the same name with another between"),
    TEXT("{\"a\":1,\"\\u0061\":2}", JSON_TWICE, "the same name by escape"),
    TEXT("{\"\\u006a\":1,\"\\u006A\":2}", JSON_TWICE, "the same escape in both cases"),
    TEXT("{\"\":1,\"\":2}", JSON_TWICE, "the empty name twice"),
    TEXT("{\"\\n\":1,\"\\u000a\":2}", JSON_TWICE, "a short and a long escape"),
    TEXT("{\"/\":1,\"\\/\":2}", JSON_TWICE, "a slash plain and escaped"),
    TEXT("{\"a\\u0000b\":1,\"\\u0061\\u0000b\":2}", JSON_TWICE, "names with NUL twice"),
    TEXT("{\"\xc3\xa9\":1,\"\\u00e9\":2}", JSON_TWICE, "UTF-8 and an escape"),
    TEXT("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}", JSON_TWICE, "UTF-8 and an escaped pair"),
    TEXT("{\"a\":1,\"b\":2,\"c\":3,\"b\":4,\"d\":5}", JSON_TWICE, "twice, and more behind"),
    TEXT("{\"a\":1,\"a\":2,}", JSON_BAD, "twice, but a trailing comma"),
    TEXT("{\"a\":1,\"a\":2} x", JSON_BAD, "twice, but something behind"),
    TEXT("{", JSON_BAD, "an opening brace only"),
    TEXT("{,}", JSON_BAD, "a comma only"),
    TEXT("{\"a\"}", JSON_BAD, "a name only"),
    TEXT("{\"a\",\"b\"}", JSON_BAD, "a comma for a colon"),
    TEXT("{\"a\" 1}", JSON_BAD, "no colon"),
    TEXT("{\"a\"=1}", JSON_BAD, "an equals sign for a colon"),
    TEXT("{\"a\"::1}", JSON_BAD, "two colons"),
    TEXT("{\"a\":1:2}", JSON_BAD, "two values"),
    TEXT("{:1}", JSON_BAD, "no name"),
    TEXT("{\"a\":1,}", JSON_BAD, "a trailing comma"),
    TEXT("{\"a\":1, }", JSON_BAD, "a trailing comma and a space"),
    TEXT("{\"a\":1,,\"b\":2}", JSON_BAD, "two commas"),
    TEXT("{,\"a\":1}", JSON_BAD, "a leading comma"),
    TEXT("{\"a\":1 \"b\":2}", JSON_BAD, "no comma"),
    TEXT("{\"a\":1;\"b\":2}", JSON_BAD, "a semicolon for a comma"),
    TEXT("{\"a\":\"b\"\"c\":2}", JSON_BAD, "no comma between strings"),
    TEXT("{a:1}", JSON_BAD, "an unquoted name"),
    TEXT("{'a':1}", JSON_BAD, "a name in single quotes"),
    TEXT("{1:1}", JSON_BAD, "a number for a name"),
    TEXT("{null:1}", JSON_BAD, "null for a name"),
    TEXT("{[\"a\"]:1}", JSON_BAD, "an array for a name"),
    TEXT("{{}:1}", JSON_BAD, "an object for a name"),
    TEXT("{\"a:1}", JSON_BAD, "a name without its end"),
    TEXT("{\"a\nb\":1}", JSON_BAD, "a line feed in a name"),
    TEXT("{\"\\ud800\":1}", JSON_BAD, "half a pair in a name"),
    TEXT("{\"\xb9\":\"0\",}", JSON_BAD, "a continuation byte in a name"),
    TEXT("{\"a\":1]", JSON_BAD, "an object ended by a bracket"),
    TEXT("{\"a\":{\"b\":1}", JSON_BAD, "one brace too few"),
    TEXT("{{}}", JSON_BAD, "an object without a name"),
    VALUE("{\"b\":1,}", JSON_BAD, "a trailing comma in an inner object"),
    VALUE("{\"b\"}", JSON_BAD, "a name only in an inner object"),
    VALUE("{1}", JSON_BAD, "a value only in an inner object"),

    /* Section 5: arrays. */
    VALUE("[]", JSON_OK, "the empty array"),
    VALUE("[ ]", JSON_OK, "white space in the empty array"),
    VALUE("[1]", JSON_OK, "an element"),
    VALUE("[1,\"b\",null,{},[],[[2]]]", JSON_OK, "elements of all types"),
    VALUE("[1, 2, 3]", JSON_OK, "a space behind each comma"),
    VALUE("[1 ,2 ,3]", JSON_OK, "a space before each comma"),
    VALUE("[\r\n\t1,\r\n\t[2],\r\n\t{}\r\n]", JSON_OK, "an array on lines of its own"),
    VALUE("[1, ]", JSON_BAD, "a trailing comma and a space"),
    VALUE("[ , 1]", JSON_BAD, "a leading comma and spaces"),
    VALUE("[ ", JSON_BAD, "a bracket and a space"),
    VALUE("[1, ", JSON_BAD, "no bracket behind a comma and a space"),
    VALUE("[", JSON_BAD, "an array without its end"),
    VALUE("]", JSON_BAD, "an array without its beginning"),
    VALUE("[1", JSON_BAD, "no bracket behind an element"),
    VALUE("[1,]", JSON_BAD, "a trailing comma"),
    VALUE("[,]", JSON_BAD, "a comma only"),
    VALUE("[,1]", JSON_BAD, "a leading comma"),
    VALUE("[1,,2]", JSON_BAD, "two commas"),
    VALUE("[1 2]", JSON_BAD, "no comma"),
    VALUE("[1 true]", JSON_BAD, "no comma before a literal"),
    VALUE("[\"b\":1]", JSON_BAD, "a colon in an array"),
    VALUE("[1}", JSON_BAD, "an array ended by a brace"),
    VALUE("[]]", JSON_BAD, "one bracket too many"),
    VALUE("[[]", JSON_BAD, "one bracket too few"),
    VALUE("[]null", JSON_BAD, "a literal behind an array"),

    /* Section 6: numbers. */
    VALUE("0", JSON_OK, "zero"),
    VALUE("-0", JSON_OK, "minus zero"),
    VALUE("9", JSON_OK, "a digit"),
    VALUE("-120", JSON_OK, "a negative number"),
    VALUE("10.25", JSON_OK, "a fraction"),
    VALUE("0.0", JSON_OK, "zero with a fraction"),
    VALUE("-0.10", JSON_OK, "a fraction ending in zero"),
    VALUE("1e5", JSON_OK, "an exponent"),
    VALUE("1E5", JSON_OK, "an exponent with a capital"),
    VALUE("1e+5", JSON_OK, "an exponent with plus"),
    VALUE("1E-5", JSON_OK, "an exponent with minus"),
    VALUE("0e0", JSON_OK, "zero with an exponent"),
    VALUE("1e005", JSON_OK, "leading zeros in an exponent"),
    VALUE("-1.50e-07", JSON_OK, "all parts of a number"),
    VALUE("1e999999", JSON_OK, "well-formed, whatever its value"),
    VALUE("123456789012345678901234567890", JSON_OK, "a long number"),
    VALUE("00", JSON_BAD, "zero twice"),
    VALUE("01", JSON_BAD, "a leading zero"),
    VALUE("-01", JSON_BAD, "a leading zero behind minus"),
    VALUE("00.5", JSON_BAD, "a leading zero before a fraction"),
    VALUE("012e1", JSON_BAD, "a leading zero before an exponent"),
    VALUE("+1", JSON_BAD, "a plus sign"),
    VALUE("++1", JSON_BAD, "two plus signs"),
    VALUE("--1", JSON_BAD, "two minus signs"),
    VALUE("-", JSON_BAD, "a minus sign only"),
    VALUE("- 1", JSON_BAD, "a space behind minus"),
    VALUE("-a", JSON_BAD, "a letter behind minus"),
    VALUE(".5", JSON_BAD, "no digit before the point"),
    VALUE("-.5", JSON_BAD, "no digit between minus and point"),
    VALUE(".", JSON_BAD, "a point only"),
    VALUE("1.", JSON_BAD, "no digit behind the point"),
    VALUE("0.", JSON_BAD, "no digit behind zero and point"),
    VALUE("1.e3", JSON_BAD, "no digit between point and exponent"),
    VALUE("1.2.3", JSON_BAD, "two points"),
    VALUE("1..2", JSON_BAD, "two points in a row"),
    VALUE("1,5", JSON_BAD, "a comma for the point"),
    VALUE("1e", JSON_BAD, "an exponent without digits"),
    VALUE("1e+", JSON_BAD, "an exponent of plus only"),
    VALUE("1.0E-", JSON_BAD, "an exponent of minus only"),
    VALUE("1e+-2", JSON_BAD, "an exponent with two signs"),
    VALUE("1ee2", JSON_BAD, "two exponents"),
    VALUE("1e2e3", JSON_BAD, "an exponent behind the exponent"),
    VALUE("1e2.5", JSON_BAD, "a fraction in the exponent"),
    VALUE("e5", JSON_BAD, "an exponent only"),
    VALUE("0x1F", JSON_BAD, "hexadecimal"),
    VALUE("0b1", JSON_BAD, "binary"),
    VALUE("0o7", JSON_BAD, "octal"),
    VALUE("1_000", JSON_BAD, "digits grouped by an underscore"),
    VALUE("1 000", JSON_BAD, "digits grouped by a space"),
    VALUE("1n", JSON_BAD, "a letter behind a number"),
    VALUE("1+2", JSON_BAD, "a sum"),
    VALUE("1-2", JSON_BAD, "a difference"),
    VALUE("NaN", JSON_BAD, "not a number"),
    VALUE("nan", JSON_BAD, "not a number in lower case"),
    VALUE("-NaN", JSON_BAD, "not a number behind minus"),
    VALUE("Infinity", JSON_BAD, "infinity"),
    VALUE("-Infinity", JSON_BAD, "minus infinity"),
    VALUE("inf", JSON_BAD, "infinity as C prints it"),
    VALUE("\xef\xbc\x91", JSON_BAD, "a full-width digit"),
    VALUE("1\xc2\xb2", JSON_BAD, "a superscript digit"),
    VALUE("1\xff", JSON_BAD, "a byte ff behind a number"),

    /* Section 7: strings. */
    CHARS("", JSON_OK, "the empty string"),
    CHARS("b c", JSON_OK, "letters and a space"),
    CHARS("\\\"\\\\\\/\\b\\f\\n\\r\\t", JSON_OK, "every short escape"),
    CHARS("\\u0000", JSON_OK, "an escaped NUL"),
    CHARS("\\u00e9\\u00E9\\uABCD\\uefab", JSON_OK, "long escapes in either case"),
    CHARS("\\u00620", JSON_OK, "a digit behind an escape"),
    CHARS("\\\\u12", JSON_OK, "an escaped backslash before u"),
    CHARS("/* , : ] } */", JSON_OK, "structural characters in a string"),
    CHARS("'", JSON_OK, "a single quote"),
    CHARS("\x7f", JSON_OK, "DEL needs no escape"),
    CHARS("\x1f", JSON_BAD, "a raw 1f, the last control"),
    CHARS("\0", JSON_BAD, "a raw NUL"),
    CHARS("b\0c", JSON_BAD, "a raw NUL within"),
    CHARS("\x01", JSON_BAD, "a raw 01"),
    CHARS("\b", JSON_BAD, "a raw backspace"),
    CHARS("\t", JSON_BAD, "a raw tab"),
    CHARS("b\nc", JSON_BAD, "a raw line feed"),
    CHARS("\v", JSON_BAD, "a raw vertical tab"),
    CHARS("\f", JSON_BAD, "a raw form feed"),
    CHARS("\r", JSON_BAD, "a raw carriage return"),
    CHARS("\x1b[0m", JSON_BAD, "a raw escape character"),
    CHARS("\\\t", JSON_BAD, "an escaped raw tab"),
    CHARS("b\\\nc", JSON_BAD, "a line joined by a backslash"),
    CHARS("\\\0", JSON_BAD, "an escaped raw NUL"),
    CHARS("\\a", JSON_BAD, "C's bell escape"),
    CHARS("\\v", JSON_BAD, "C's vertical tab escape"),
    CHARS("\\0", JSON_BAD, "C's NUL escape"),
    CHARS("\\e", JSON_BAD, "an escape e"),
    CHARS("\\x41", JSON_BAD, "an escape x"),
    CHARS("\\'", JSON_BAD, "an escaped single quote"),
    CHARS("\\ ", JSON_BAD, "an escaped space"),
    CHARS("\\N", JSON_BAD, "a short escape in the wrong case"),
    CHARS("\\U00e9", JSON_BAD, "a long escape in the wrong case"),
    CHARS("\\\xc3\xa9", JSON_BAD, "an escaped character of two bytes"),
    CHARS("\\\xe5", JSON_BAD, "an escaped byte that is not UTF-8"),
    CHARS("\\", JSON_BAD, "the closing quote escaped"),
    CHARS("\\\\\\", JSON_BAD, "the closing quote escaped behind an escape"),
    CHARS("\\u", JSON_BAD, "no hex digit"),
    CHARS("\\u0", JSON_BAD, "one hex digit"),
    CHARS("\\u00e", JSON_BAD, "three hex digits"),
    CHARS("\\u00eg", JSON_BAD, "a letter behind f"),
    CHARS("\\u00:0", JSON_BAD, "a character behind 9"),
    CHARS("\\u@000", JSON_BAD, "a character before A"),
    CHARS("\\u 041", JSON_BAD, "a space for a digit"),
    CHARS("\\u+041", JSON_BAD, "a sign for a digit"),
    CHARS("\\u-041", JSON_BAD, "a minus for a digit"),
    CHARS("\\u0x41", JSON_BAD, "0x in the digits"),
    CHARS("\\u{41}", JSON_BAD, "braces for digits"),
    CHARS("\\u00\\u0041", JSON_BAD, "an escape in the digits"),
    CHARS("\\u00\xc3\xa9", JSON_BAD, "UTF-8 in the digits"),
    VALUE("\"", JSON_BAD, "a string without its end"),
    VALUE("\"b", JSON_BAD, "letters without their end"),
    VALUE("b\"", JSON_BAD, "a string without its beginning"),
    VALUE("\"b\"c\"", JSON_BAD, "a quote in a string"),
    VALUE("\"b\" \"c\"", JSON_BAD, "two strings"),
    VALUE("\"b'", JSON_BAD, "quotes that differ"),
    VALUE("\\u0022b\\u0022", JSON_BAD, "escaped quotes around a string"),
    VALUE("\\n", JSON_BAD, "an escape outside a string"),

    /* Section 8.1: the encoding is UTF-8 (RFC 3629 section 4), without a byte order mark. */
    CHARS("\xc2\x80\xdf\xbf", JSON_OK, "the first and last of two bytes"),
    CHARS("\xe0\xa0\x80\xef\xbf\xbf", JSON_OK, "the first and last of three bytes"),
    CHARS("\xed\x9f\xbf\xee\x80\x80", JSON_OK, "the neighbours of the surrogates"),
    CHARS("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", JSON_OK, "the first and last of four bytes"),
    CHARS("\xef\xbb\xbf", JSON_OK, "a byte order mark in a string"),
    CHARS("\xe2\x80\xa8\xe2\x80\xa9", JSON_OK, "line and paragraph separator in a string"),
    TEXT("\xef\xbb\xbf{}", JSON_BAD, "a byte order mark in front"),
    TEXT("\xef\xbb\xbf", JSON_BAD, "a byte order mark only"),
    TEXT("\xef\xbb{}", JSON_BAD, "a byte order mark cut short"),
    TEXT("{}\xef\xbb\xbf", JSON_BAD, "a byte order mark behind"),
    TEXT("\xff\xfe{\0}\0", JSON_BAD, "UTF-16"),
    TEXT("\0{\0}", JSON_BAD, "UTF-16 without a mark"),
    TEXT("{\"a\":\xf0\x9f\x98\x80}", JSON_BAD, "a character outside a string"),
    TEXT("{\xff}", JSON_BAD, "a byte ff outside a string"),
    CHARS("\x80", JSON_BAD, "a lone continuation byte, the first"),
    CHARS("\xbf", JSON_BAD, "a lone continuation byte, the last"),
    CHARS("\xc3\xa9\xa9", JSON_BAD, "one continuation byte too many"),
    CHARS("\xe9", JSON_BAD, "Latin-1"),
    CHARS("\xc0\x80", JSON_BAD, "NUL in two bytes"),
    CHARS("\xc0\xa2", JSON_BAD, "a quote in two bytes"),
    CHARS("\xc1\xbf", JSON_BAD, "U+007F in two bytes"),
    CHARS("\xe0\x80\xaf", JSON_BAD, "a slash in three bytes"),
    CHARS("\xe0\x9f\xbf", JSON_BAD, "U+07FF in three bytes"),
    CHARS("\xf0\x80\x80\xaf", JSON_BAD, "a slash in four bytes"),
    CHARS("\xf0\x8f\xbf\xbf", JSON_BAD, "U+FFFF in four bytes"),
    CHARS("\xed\xa0\x80", JSON_BAD, "U+D800, the first surrogate"),
    CHARS("\xed\xbf\xbf", JSON_BAD, "U+DFFF, the last surrogate"),
    CHARS("\xed\xa0\xbd\xed\xb8\x80", JSON_BAD, "a pair of surrogates in UTF-8"),
    CHARS("\xf4\x90\x80\x80", JSON_BAD, "U+110000"),
    CHARS("\xf5\x80\x80\x80", JSON_BAD, "a lead byte f5"),
    CHARS("\xf7\xbf\xbf\xbf", JSON_BAD, "a lead byte f7"),
    CHARS("\xf8\x88\x80\x80\x80", JSON_BAD, "five bytes"),
    CHARS("\xfc\x84\x80\x80\x80\x80", JSON_BAD, "six bytes"),
    CHARS("\xfe", JSON_BAD, "a byte fe"),
    CHARS("\xff", JSON_BAD, "a byte ff"),
    CHARS("\xc3", JSON_BAD, "two bytes cut short by the quote"),
    CHARS("\xe2\x82", JSON_BAD, "three bytes cut short by the quote"),
    CHARS("\xf0\x9f\x98", JSON_BAD, "four bytes cut short by the quote"),
    CHARS("\xc3(", JSON_BAD, "a letter for the second byte"),
    CHARS("\xe2(\xa1", JSON_BAD, "a letter for the second of three bytes"),
    CHARS("\xe2\x82(", JSON_BAD, "a letter for the third byte"),
    CHARS("\xf0\x9f\x98(", JSON_BAD, "a letter for the fourth byte"),
    CHARS("\xe2\x82\xc0", JSON_BAD, "a lead byte for the third byte"),
    TEXT("{\"a\":\"\xc3", JSON_BAD, "two bytes cut short by the end"),
    TEXT("{\"a\":\"\xe2\x82", JSON_BAD, "three bytes cut short by the end"),
    TEXT("{\"a\":\"\xf0\x9f\x98", JSON_BAD, "four bytes cut short by the end"),

    /* Section 8.2: escaped surrogates come in pairs. */
    CHARS("\\ud83d\\ude00", JSON_OK, "a pair"),
    CHARS("\\uD800\\uDC00\\uDBFF\\uDFFF", JSON_OK, "the first and the last pair"),
    CHARS("\\ud7ff\\ue000", JSON_OK, "the neighbours of the surrogates, escaped"),
    CHARS("\\uffff\\ufffe\\ufdd0", JSON_OK, "noncharacters"),
    CHARS("\\ud800", JSON_BAD, "a high surrogate only"),
    CHARS("\\udbffb", JSON_BAD, "a high surrogate and a letter"),
    CHARS("\\udc00", JSON_BAD, "a low surrogate only"),
    CHARS("\\udfff\\ud800", JSON_BAD, "a pair the wrong way round"),
    CHARS("\\ud800\\ud800", JSON_BAD, "two high surrogates"),
    CHARS("\\udc00\\udc00", JSON_BAD, "two low surrogates"),
    CHARS("\\ud800\\udc00\\udc00", JSON_BAD, "a pair and a low surrogate"),
    CHARS("\\ud800\\ud800\\udc00", JSON_BAD, "a high surrogate and a pair"),
    CHARS("\\ud800\\n", JSON_BAD, "a high surrogate and a short escape"),
    CHARS("\\ud800\\\\udc00", JSON_BAD, "a high surrogate and an escaped backslash"),
    CHARS("\\ud800 \\udc00", JSON_BAD, "a pair with a space between"),
    CHARS("\\ud800\\u0041", JSON_BAD, "a high surrogate and another escape"),
    CHARS("\\ud800\\udbff", JSON_BAD, "a high surrogate and the last before the low ones"),
    CHARS("\\ud800\\ue000", JSON_BAD, "a high surrogate and the first behind the low ones"),
    CHARS("\\ud800\\u", JSON_BAD, "a high surrogate and no digits"),
    CHARS("\\ud800\\udc", JSON_BAD, "a low surrogate cut short"),
    CHARS("\\ud800\\udc0g", JSON_BAD, "a low surrogate with a letter"),
    CHARS("\\ud800\\", JSON_BAD, "a high surrogate and an escaped quote"),
    CHARS("\\ud83d\xed\xb8\x80", JSON_BAD, "half a pair escaped, half in UTF-8"),
};

enum { LONGEST = 1 << 20 };

/* Reads the text from memory that ends where it ends; what is refused has a reason. */
static enum json_result read_guarded(struct slice text)
{
    static char blank[LONGEST], *end; /* one guarded room for all: there are many texts */
    if (end == NULL)
        end = (char *)guarded(blank, sizeof blank) + sizeof blank;
    const char *why = NULL;
    struct json_member wanted[] = { { .name = "a" }, { .name = "b" } };
    char *at = memcpy(end - text.len, text.at, text.len);
    enum json_result result = json_object((struct slice){ at, text.len }, wanted, 2, &why);
    if (result == JSON_BAD && (why == NULL || *why == '\0'))
        check(false, "no reason is given for refusing %s", shown(text));
    return result;
}

static void check_text(struct slice text, enum json_result expected, const char *why)
{
    static const char *const names[] = { "OK", "TWICE", "BAD" };
    enum json_result result = read_guarded(text);
    check(result == expected, "%s: %s, not %s: %s", why, names[result], names[expected], shown(text));
}

/* No part of a text from its beginning is an object, unless only white space is
 * missing. What is refused anyway is cut too, for the unreadable page behind. */
static void check_prefixes(struct slice text, enum json_result expected, const char *why)
{
    size_t whole = text.len, accepted = SIZE_MAX;
    while (whole > 0 && is_space(text.at[whole - 1]))
        whole--;
    for (size_t cut = 0; cut < text.len; cut++) {
        enum json_result result = read_guarded((struct slice){ text.at, cut });
        if (expected != JSON_BAD && result != (cut < whole ? JSON_BAD : expected))
            accepted = cut;
    }
    if (expected != JSON_BAD)
        check(accepted == SIZE_MAX, "%s: wrong if cut to %zu bytes: %s", why, accepted, shown(text));
}

static void check_text_rows(void)
{
    for (size_t i = 0; i < sizeof text_rows / sizeof *text_rows; i++) {
        check_text(text_rows[i].text, text_rows[i].expected, text_rows[i].why);
        check_prefixes(text_rows[i].text, text_rows[i].expected, text_rows[i].why);
    }
}

/* Each byte in places where the grammar has but a few: which are accepted. */
static void check_bytes(void)
{
    static const struct {
        const char *before, *after, *allowed;
    } places[] = {
        { "", "{}", " \t\n\r" },
        { "{", "}", " \t\n\r" },
        { "{}", "", " \t\n\r" },
        { "{\"a\"", ":1}", " \t\n\r" },
        { "{\"a\":", "}", "0123456789" },
        { "{\"a\":1", "}", "0123456789 \t\n\r" },
        { "{\"a\":-", "1}", "123456789" },
        { "{\"a\":[1", "2]}", "0123456789.eE," },
        { "{\"a\":1e", "2}", "0123456789+-" },
        { "{\"a\":\"\\", "\"}", "\"\\/bfnrt" },
        { "{\"a\":\"\\u000", "\"}", "0123456789abcdefABCDEF" },
        { "{\"a\":\"\\ud83d\\ud", "e00\"}", "cdefCDEF" },
        { "{\"a\":\"", "\"}", " !#$%&'()*+,-./0123456789:;<=>?@[]^_`{|}~\x7f"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (int byte = 0; byte < 256; byte++) {
            char room[32], c = (char)byte;
            struct buffer b = { .at = room, .cap = sizeof room };
            put_text(&b, places[i].before);
            put_char(&b, c);
            put_text(&b, places[i].after);
            bool allowed = c != '\0' && strchr(places[i].allowed, c) != NULL;
            check_text((struct slice){ b.at, b.len }, allowed ? JSON_OK : JSON_BAD, "a byte where few may stand");
        }
    }
}

/* ---- section 9: limits ------------------------------------------------- */

/* The outermost object, at depth 1, whose member is `inside` within n times `open` and `close`. */
static struct slice nested(const char *open, size_t n, const char *inside, const char *close)
{
    static char room[LONGEST];
    struct buffer b = { .at = room, .cap = sizeof room };
    put_text(&b, "{\"a\":");
    for (size_t i = 0; i < n; i++)
        put_text(&b, open);
    put_text(&b, inside);
    for (size_t i = 0; i < n; i++)
        put_text(&b, close);
    put_text(&b, "}");
    return (struct slice){ b.at, b.len };
}

/* An object of n members m0, m1 and so on and what `more` has, as a string too. */
static struct slice members(size_t n, const char *more)
{
    static char room[4096];
    struct buffer b = { .at = room, .cap = sizeof room };
    for (size_t i = 0; i < n; i++) {
        put_text(&b, i ? ",\"m" : "{\"m");
        put_number(&b, i);
        put_text(&b, "\":0");
    }
    put_text(&b, more);
    put_bytes(&b, "}", 2);
    return (struct slice){ b.at, b.len - 1 };
}

static void check_limits(void)
{
    static char brackets[100000];
    memset(brackets, '[', sizeof brackets);
    check_text(nested("[", JSON_DEPTH - 1, "", "]"), JSON_OK, "arrays as deep as allowed");
    check_prefixes(nested("[", JSON_DEPTH - 1, "", "]"), JSON_OK, "arrays as deep as allowed");
    check_text(nested("[", JSON_DEPTH, "", "]"), JSON_BAD, "arrays one too deep");
    check_text(nested("[ ", JSON_DEPTH - 1, "", " ]"), JSON_OK, "arrays as deep as allowed, spaced");
    check_text(nested("{\"a\":", JSON_DEPTH - 2, "{}", "}"), JSON_OK, "objects as deep as allowed");
    check_prefixes(nested("{\"a\":", JSON_DEPTH - 2, "{}", "}"), JSON_OK, "objects as deep as allowed");
    check_text(nested("{\"a\":", JSON_DEPTH - 1, "{}", "}"), JSON_BAD, "objects one too deep");
    check_text(nested("[{\"a\":", JSON_DEPTH / 2 - 1, "[]", "}]"), JSON_OK, "both as deep as allowed");
    check_text(nested("[{\"a\":", JSON_DEPTH / 2 - 1, "[[]]", "}]"), JSON_BAD, "both one too deep");
    check_text(nested("[", JSON_DEPTH - 2, "1", "]"), JSON_OK, "a number as deep as allowed");
    check_text(nested("[", JSON_DEPTH - 1, "1", "]"), JSON_OK, "a number in the deepest array");
    check_text(nested("[", JSON_DEPTH - 2, "[],[],[]", "]"), JSON_OK, "three as deep as allowed, side by side");
    check_text(nested("[],", 1000, "1", ""), JSON_BAD, "elements outside an array");
    check_text(nested("", 0, "[[],[],[[]],[],{},{}]", ""), JSON_OK, "what is closed is not deep");
    check_text(nested("[", 1, "[{\"a\":[]}],[{\"a\":[]}]", "]"), JSON_OK, "siblings are not deep");
    check_text(nested("[", 100000, "", ""), JSON_BAD, "100000 brackets in an object");
    check_text(nested("[", 100000, "", "]"), JSON_BAD, "100000 arrays, all closed");
    check_text(nested("{\"a\":", 100000, "", ""), JSON_BAD, "100000 objects");
    check_text(nested("[{\"a\":", 100000, "1", "}]"), JSON_BAD, "100000 arrays and objects, all closed");
    check_text((struct slice){ brackets, sizeof brackets }, JSON_BAD, "100000 brackets");
    check_text(members(JSON_MEMBERS, ""), JSON_OK, "as many members as allowed");
    check_prefixes(members(JSON_MEMBERS, ""), JSON_OK, "as many members as allowed");
    check_text(members(JSON_MEMBERS + 1, ""), JSON_BAD, "one member too many");
    check_text(members(JSON_MEMBERS, ","), JSON_BAD, "as many members as allowed and a comma");
    check_text(members(JSON_MEMBERS - 1, ",\"\\u006d0\":0"), JSON_TWICE, "the last one named as the first");
    check_text(members(JSON_MEMBERS - 1, ",\"m62\":0"), JSON_TWICE, "the last one named as the one before");
    check_text(members(JSON_MEMBERS, ",\"m0\":0"), JSON_BAD, "one too many, named as the first");
    check_text(nested("", 0, members(JSON_MEMBERS + 1, "").at, ""), JSON_OK, "an inner object of more members");
    check_text(nested("0,", 10000, "0", ""), JSON_BAD, "numbers outside an array");
}

/* ---- which members are found ------------------------------------------- */

#define FOUND(name, type, times, raw) { name, type, times, T(raw) }
#define ABSENT(name) { name, JSON_ABSENT, 0, { NULL, 0 } }

static const struct find_row {
    struct slice text;
    struct json_member expected[5];
} find_rows[] = {
    { T("{}"), { ABSENT("a"), ABSENT("") } },
    { T("{\"a\":null}"), { FOUND("a", JSON_NULL, 1, "null"), ABSENT("b") } },
    { T("{\"a\":true,\"b\":false}"), { FOUND("a", JSON_BOOLEAN, 1, "true"), FOUND("b", JSON_BOOLEAN, 1, "false") } },
    { T("{\"n\":-1.5e+3,\"s\":\"x\",\"l\":[1, 2],\"o\":{\"n\":0}}"),
      { FOUND("o", JSON_OBJECT, 1, "{\"n\":0}"), FOUND("l", JSON_ARRAY, 1, "[1, 2]"),
        FOUND("s", JSON_STRING, 1, "\"x\""), FOUND("n", JSON_NUMBER, 1, "-1.5e+3") } },
    { T(" { \"a\" : 1 , \"b\" : \" c \" } "),
      { FOUND("a", JSON_NUMBER, 1, "1"), FOUND("b", JSON_STRING, 1, "\" c \"") } },
    { T("{\"a\":\t[ ]\n}"), { FOUND("a", JSON_ARRAY, 1, "[ ]") } },
    { T("{\"a\":{ }\r\n}"), { FOUND("a", JSON_OBJECT, 1, "{ }") } },
    { T("{\"a\":\"\\\"\\\\\"}"), { FOUND("a", JSON_STRING, 1, "\"\\\"\\\\\"") } },
    { T("{\"a\":\"}, \\\"b\\\":1\"}"), { FOUND("a", JSON_STRING, 1, "\"}, \\\"b\\\":1\""), ABSENT("b") } },
    { T("{\"\\u0073ub\":1,\"e\\u0078\\u0070\":2}"),
      { FOUND("sub", JSON_NUMBER, 1, "1"), FOUND("exp", JSON_NUMBER, 1, "2") } },
    { T("{\"\\/\\\\\\\"\\n\":1}"), { FOUND("/\\\"\n", JSON_NUMBER, 1, "1") } },
    { T("{\"a\":1,\"ab\":2,\"abc\":3}"),
      { FOUND("ab", JSON_NUMBER, 1, "2"), FOUND("a", JSON_NUMBER, 1, "1"), FOUND("abc", JSON_NUMBER, 1, "3"),
        ABSENT("abcd"), ABSENT("") } },
    { T("{\"ab\":1}"), { ABSENT("a"), ABSENT("b"), ABSENT("abc"), ABSENT("AB"), FOUND("ab", JSON_NUMBER, 1, "1") } },
    { T("{\"\":1}"), { FOUND("", JSON_NUMBER, 1, "1"), ABSENT("a") } },
    { T("{\"\\u0000\":1}"), { ABSENT("") } },
    { T("{\"a\\u0000\":1}"), { ABSENT("a"), ABSENT("") } },
    { T("{\"a\\u0000b\":1,\"\\u0000a\":2}"), { ABSENT("a"), ABSENT("ab"), ABSENT("") } },
    { T("{\"a\\u0000\":1,\"a\":2}"), { FOUND("a", JSON_NUMBER, 1, "2") } },
    { T("{\"b\":{\"a\":1},\"c\":[{\"a\":2}]}"), { ABSENT("a"), FOUND("b", JSON_OBJECT, 1, "{\"a\":1}") } },
    { T("{\"\\\\u0061\":1}"), { ABSENT("a"), FOUND("\\u0061", JSON_NUMBER, 1, "1") } },
    { T("{\"a\":\"b\",\"b\":\"a\"}"), { FOUND("b", JSON_STRING, 1, "\"a\""), FOUND("a", JSON_STRING, 1, "\"b\"") } },
    { T("{\"a\":1,\"a\":\"two\"}"), { FOUND("a", JSON_STRING, 2, "\"two\""), ABSENT("b") } },
    { T("{\"a\":1,\"b\":0,\"\\u0061\":[],\"a\":null}"),
      { FOUND("a", JSON_NULL, 3, "null"), FOUND("b", JSON_NUMBER, 1, "0") } },
    { T("{\"b\":1,\"b\":2,\"a\":3}"), { FOUND("a", JSON_NUMBER, 1, "3"), ABSENT("c") } },
};

/* A last row without a name takes all members that no other row names. */
static void check_others(void)
{
    static const struct {
        struct slice text;
        unsigned a, others;
    } rows[] = {
        { T("{}"), 0, 0 },
        { T("{\"a\":1}"), 1, 0 },
        { T("{\"b\":1}"), 0, 1 },
        { T("{\"b\":1,\"a\":2,\"\":3,\"A\":{\"c\":4}}"), 1, 3 },
        { T("{\"\\u0061\":1,\"a\":2,\"aa\":3}"), 2, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_member m[] = { { .name = "a" }, { .name = NULL } };
        const char *why;
        json_object(rows[i].text, m, 2, &why);
        check(m[0].times == rows[i].a && m[1].times == rows[i].others, "%u named a and %u others: %s", m[0].times,
              m[1].times, shown(rows[i].text));
    }
}

static void check_find_rows(void)
{
    for (size_t i = 0; i < sizeof find_rows / sizeof *find_rows; i++) {
        const struct find_row *row = &find_rows[i];
        struct json_member got[5];
        const char *why, *at = row->text.at;
        size_t n = 0;
        for (; n < 5 && row->expected[n].name != NULL; n++) /* what stood there before is of no interest */
            got[n] = (struct json_member){ row->expected[n].name, JSON_ARRAY, 7, { at, 1 } };
        check(json_object(row->text, got, n, &why) != JSON_BAD, "%s is refused", shown(row->text));
        for (size_t k = 0; k < n; k++) {
            struct json_member e = row->expected[k], g = got[k];
            bool within = g.raw.len == 0 || (g.raw.at >= at && g.raw.at + g.raw.len <= at + row->text.len);
            check(strcmp(g.name, e.name) == 0 && g.type == e.type && g.times == e.times && slice_equal(g.raw, e.raw) &&
                      within,
                  "member \"%s\": type %d, %u times, %zu bytes: %s", e.name, (int)g.type, g.times, g.raw.len,
                  shown(row->text));
        }
        check(json_object(row->text, NULL, 0, &why) != JSON_BAD, "%s is refused, none wanted", shown(row->text));
    }
}

/* ---- the characters of strings (section 7) ------------------------------ */

static const char zeros[256];

struct pair_row {
    struct slice in, out;
    const char *why;
};

static const struct pair_row string_rows[] = {
    { T("\"\""), T(""), "the empty string" },
    { T("\"b\""), T("b"), "a letter" },
    { T("\"Hello, world\""), T("Hello, world"), "plain text" },
    { T("\"\\\"\\\\\\/\""), T("\"\\/"), "quote, backslash and slash" },
    { T("\"\\b\\f\\n\\r\\t\""), T("\b\f\n\r\t"), "escaped controls" },
    { T("\"\\\\n\\\\\\n\""), T("\\n\\\n"), "backslashes before n" },
    { T("\"b\\nc\""), T("b\nc"), "an escape within" },
    { T("\"/'\x7f\""), T("/'\x7f"), "what needs no escape" },
    { T("\"\\u0000\""), T("\0"), "NUL" },
    { T("\"b\\u0000c\\u0000\""), T("b\0c\0"), "NUL within and at the end" },
    { T("\"\\u0041\\u007a\\u007A\""), T("Azz"), "ASCII by long escapes" },
    { T("\"\\u00410\""), T("A0"), "a digit behind a long escape" },
    { T("\"\\u0022\\u005c\\u002F\""), T("\"\\/"), "quote, backslash and slash by long escapes" },
    { T("\"\\u001f\\u007f\""), T("\x1f\x7f"), "the last of one byte" },
    { T("\"\\u0080\\u07ff\""), T("\xc2\x80\xdf\xbf"), "two bytes by escape" },
    { T("\"\\u00e9\\u00E9\""), T("\xc3\xa9\xc3\xa9"), "hex digits in either case" },
    { T("\"\\u0800\\u20ac\\uffff\""), T("\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbf"), "three bytes by escape" },
    { T("\"\\ud7ff\\ue000\""), T("\xed\x9f\xbf\xee\x80\x80"), "the neighbours of the surrogates" },
    { T("\"\\ufeff\""), T("\xef\xbb\xbf"), "a byte order mark" },
    { T("\"\\ud800\\udc00\""), T("\xf0\x90\x80\x80"), "the first pair" },
    { T("\"\\uDBFF\\uDFFF\""), T("\xf4\x8f\xbf\xbf"), "the last pair" },
    { T("\"\\ud83d\\ude00\\uD83D\\uDE00\""), T("\xf0\x9f\x98\x80\xf0\x9f\x98\x80"), "pairs in either case" },
    { T("\"b\\ud834\\udd1ec\""), T("b\xf0\x9d\x84\x9e" "c"), "a pair within" },
    { T("\"\xc2\x80\xdf\xbf\""), T("\xc2\x80\xdf\xbf"), "two bytes" },
    { T("\"\xe0\xa0\x80\xef\xbf\xbf\""), T("\xe0\xa0\x80\xef\xbf\xbf"), "three bytes" },
    { T("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), T("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), "four bytes" },
    { T("\"\xc3\xa9\\u00e9\xf0\x9f\x98\x80\\n\""), T("\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80\n"), "UTF-8 and escapes" },
};

static void check_string_rows(void)
{
    for (size_t i = 0; i < sizeof string_rows / sizeof *string_rows; i++) {
        const struct pair_row *row = &string_rows[i];
        char *raw = guarded(row->in.at, row->in.len);
        for (size_t cap = 0; cap <= row->out.len; cap++) { /* each too small, the last exactly enough */
            char *out = guarded(zeros, cap);
            ssize_t n = json_string((struct slice){ raw, row->in.len }, out, cap);
            if (cap < row->out.len)
                check(n == -1, "%s: %zd in a cap of %zu", row->why, n, cap);
            else
                check(n == (ssize_t)cap && (cap == 0 || memcmp(out, row->out.at, cap) == 0), "%s: %zd bytes: %s",
                      row->why, n, shown((struct slice){ out, cap }));
            guarded_free(out, cap);
        }
        guarded_free(raw, row->in.len);
    }
}

/* ---- the values of numbers (section 6) ---------------------------------- */

static const struct number_row {
    struct slice raw;
    int result;
    double value;
} number_rows[] = {
    { T("0"), 0, 0 },
    { T("-0"), 0, 0 },
    { T("1"), 0, 1 },
    { T("-1"), 0, -1 },
    { T("10"), 0, 10 },
    { T("255"), 0, 255 },
    { T("2000000000"), 0, 2000000000 },
    { T("2147483648"), 0, 2147483648 },
    { T("4294967296"), 0, 4294967296 },
    { T("-1731545843"), 0, -1731545843 },
    { T("253402300799"), 0, 253402300799 },
    { T("4503599627370497"), 0, 4503599627370497 },
    { T("9007199254740990"), 0, 9007199254740990 },
    { T("9007199254740991"), 0, 9007199254740991 },
    { T("9007199254740992"), 0, 9007199254740992 },
    { T("-9007199254740991"), 0, -9007199254740991 },
    { T("-9007199254740992"), 0, -9007199254740992 },
    { T("1731545843.0"), 0, 1731545843 },
    { T("1731545843.000000"), 0, 1731545843 },
    { T("1731545843.5"), 0, 1731545843.5 },
    { T("-1731545843.25"), 0, -1731545843.25 },
    { T("1.731545843e9"), 0, 1731545843 },
    { T("1731545843000e-3"), 0, 1731545843 },
    { T("0.1"), 0, 0.1 },
    { T("-0.1"), 0, -0.1 },
    { T("0.5"), 0, 0.5 },
    { T("0.001"), 0, 0.001 },
    { T("1.10"), 0, 1.1 },
    { T("3.141592653589793"), 0, 3.141592653589793 },
    { T("1e0"), 0, 1 },
    { T("1e1"), 0, 10 },
    { T("1E1"), 0, 10 },
    { T("1e+1"), 0, 10 },
    { T("10e-1"), 0, 1 },
    { T("1E-1"), 0, 0.1 },
    { T("2e9"), 0, 2000000000 },
    { T("20e+08"), 0, 2000000000 },
    { T("1.5e3"), 0, 1500 },
    { T("-2.5E-3"), 0, -0.0025 },
    { T("1e15"), 0, 1000000000000000 },
    { T("1e22"), 0, 1e22 },
    { T("1e000000000000000000005"), 0, 100000 },
    { T("1e-000000000000000000005"), 0, 1e-5 },
    { T("6.02214076e23"), 0, 6.02214076e23 },
    { T("6.62607015e-34"), 0, 6.62607015e-34 },
    { T("1e100"), 0, 1e100 },
    { T("1e-100"), 0, 1e-100 },
    { T("-1e300"), 0, -1e300 },
    { T("1e-300"), 0, 1e-300 },
    { T("1e308"), 0, 1e308 },
    { T("1e-307"), 0, 1e-307 },
    { T("9007199254740993"), 0, 9007199254740992 },
    { T("9223372036854775807"), 0, 9223372036854775807.0 },
    { T("18446744073709551615"), 0, 18446744073709551615.0 },
    { T("18446744073709551616"), 0, 18446744073709551616.0 },
    { T("100000000000000000000000"), 0, 1e23 },
    { T("123456789012345678901234567890"), 0, 123456789012345678901234567890.0 },
    { T("-123456789012345678901234567890.5e-10"), 0, -12345678901234567890.12345678905 },
    { T("0.12345678901234567890123456789"), 0, 0.12345678901234567890123456789 },
    { T("0.000000000000000000000000000001"), 0, 1e-30 },
    { T("1000000000000000000000000000000e-30"), 0, 1 },
    { T("0.000000000000000000000000000001e30"), 0, 1 },
    { T("0e1"), 0, 0 },
    { T("0e400"), 0, 0 },
    { T("0e-400"), 0, 0 },
    { T("0e999999999"), 0, 0 },
    { T("0.000e99999999999999999999"), 0, 0 },
    { T("-0e-99999999999999999999"), 0, 0 },
    { T("1e-400"), 0, 0 },
    { T("-1e-400"), 0, 0 },
    { T("1e-99999999999999999999"), 0, 0 },
    { T("1e309"), -1, 0 },
    { T("10e308"), -1, 0 },
    { T("-1e309"), -1, 0 },
    { T("1.8e308"), -1, 0 },
    { T("1e400"), -1, 0 },
    { T("-1e400"), -1, 0 },
    { T("0.1e400"), -1, 0 },
    { T("1e999999999"), -1, 0 },
    { T("1e2147483648"), -1, 0 },
    { T("1e4294967296"), -1, 0 },
    { T("-1e99999999999999999999"), -1, 0 },
};

/* Integers up to 2^53 are exact, the others near enough. */
static bool near(double got, double expected)
{
    double off = got - expected, size = expected < 0 ? -expected : expected;
    if (size <= 9007199254740992 && (double)(int64_t)expected == expected)
        return off == 0;
    return (off < 0 ? -off : off) <= 1e-15 * size;
}

static void check_number_rows(void)
{
    for (size_t i = 0; i < sizeof number_rows / sizeof *number_rows; i++) {
        const struct number_row *row = &number_rows[i];
        double value = 12345;
        char *raw = guarded(row->raw.at, row->raw.len);
        int result = json_number((struct slice){ raw, row->raw.len }, &value);
        check(result == row->result && (result != 0 || near(value, row->value)), "%s is %d, %.17g, not %d, %.17g",
              shown(row->raw), result, value, row->result, row->value);
        guarded_free(raw, row->raw.len);
    }
}

/* ---- writing ------------------------------------------------------------ */

/* The outputs are Python's: json.dumps(bytes.decode("utf-8", h), ensure_ascii=True),
 * where h is an error handler that puts U+FFFD for one byte and goes on behind it. */
static const struct pair_row written_rows[] = {
    { T(""), T("\"\""), "nothing" },
    { T("a"), T("\"a\""), "a letter" },
    { T(" !#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~"),
      T("\" !#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~\""),
      "all kinds of plain ASCII, the slash among them" },
    { T("\""), T("\"\\\"\""), "a quote" },
    { T("\\"), T("\"\\\\\""), "a backslash" },
    { T("/"), T("\"/\""), "a slash stays" },
    { T("</script>"), T("\"</script>\""), "slash and angle brackets stay" },
    { T("say \"hi\" \\ bye"), T("\"say \\\"hi\\\" \\\\ bye\""), "quotes and backslash within plain text" },
    { T("\\u0041"), T("\"\\\\u0041\""), "an escape is text" },
    { T("\x00"), T("\"\\u0000\""), "NUL" },
    { T("a\x00" "b"), T("\"a\\u0000b\""), "NUL within" },
    { T("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"),
      T("\"\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\""),
      "controls 01 to 0f" },
    { T("\x10\x11\x12\x13\x14\x15\x16\x17"),
      T("\"\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\""),
      "controls 10 to 17" },
    { T("\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"),
      T("\"\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f\""),
      "controls 18 to 1f" },
    { T("\x08\x09\x0a\x0c\x0d"), T("\"\\b\\t\\n\\f\\r\""), "the five short escapes" },
    { T("\x0b"), T("\"\\u000b\""), "vertical tab has none" },
    { T("\x7f"), T("\"\\u007f\""), "DEL" },
    { T("~\x7f"), T("\"~\\u007f\""), "the last plain one and DEL" },
    { T("\xc2\x80"), T("\"\\u0080\""), "U+0080, the first of two bytes" },
    { T("\xc3\xa9"), T("\"\\u00e9\""), "e acute" },
    { T("caf\xc3\xa9!"), T("\"caf\\u00e9!\""), "e acute within" },
    { T("\xdf\xbf"), T("\"\\u07ff\""), "U+07FF, the last of two bytes" },
    { T("\xe0\xa0\x80"), T("\"\\u0800\""), "U+0800, the first of three bytes" },
    { T("\xe2\x82\xac"), T("\"\\u20ac\""), "the euro sign" },
    { T("\xe2\x80\xa8\xe2\x80\xa9"), T("\"\\u2028\\u2029\""), "line and paragraph separators" },
    { T("\xed\x9f\xbf\xee\x80\x80"), T("\"\\ud7ff\\ue000\""), "the neighbours of the surrogates" },
    { T("\xef\xbb\xbf"), T("\"\\ufeff\""), "a byte order mark" },
    { T("\xef\xbf\xbd"), T("\"\\ufffd\""), "U+FFFD itself" },
    { T("\xef\xbf\xbf"), T("\"\\uffff\""), "U+FFFF, the last of three bytes" },
    { T("\xf0\x90\x80\x80"), T("\"\\ud800\\udc00\""), "U+10000, the first pair" },
    { T("\xf0\x9f\x98\x80"), T("\"\\ud83d\\ude00\""), "a grinning face" },
    { T("a\xf0\x9f\x98\x80" "b"), T("\"a\\ud83d\\ude00b\""), "a pair within" },
    { T("\xf4\x8f\xbf\xbf"), T("\"\\udbff\\udfff\""), "U+10FFFF, the last pair" },
    { T("\x80"), T("\"\\ufffd\""), "a lone continuation byte" },
    { T("\xbf\xbf"), T("\"\\ufffd\\ufffd\""), "two of them" },
    { T("a\xff" "b"), T("\"a\\ufffdb\""), "ff within" },
    { T("\xfe\xff"), T("\"\\ufffd\\ufffd\""), "bytes that UTF-8 never has" },
    { T("\xc3"), T("\"\\ufffd\""), "two bytes cut short" },
    { T("\xc3("), T("\"\\ufffd(\""), "no continuation behind c3" },
    { T("\xe2\x82"), T("\"\\ufffd\\ufffd\""), "three bytes cut short" },
    { T("\xe2\x82z"), T("\"\\ufffd\\ufffdz\""), "the third is a letter" },
    { T("\xf0\x9f\x98"), T("\"\\ufffd\\ufffd\\ufffd\""), "four bytes cut short" },
    { T("\xf0\x9f\x98\""), T("\"\\ufffd\\ufffd\\ufffd\\\"\""), "cut short by a quote" },
    { T("\xc0\x80"), T("\"\\ufffd\\ufffd\""), "NUL in two bytes" },
    { T("\xc1\xbf"), T("\"\\ufffd\\ufffd\""), "DEL in two bytes" },
    { T("\xe0\x9f\xbf"), T("\"\\ufffd\\ufffd\\ufffd\""), "U+07FF in three bytes" },
    { T("\xf0\x8f\xbf\xbf"), T("\"\\ufffd\\ufffd\\ufffd\\ufffd\""), "U+FFFF in four bytes" },
    { T("\xed\xa0\x80"), T("\"\\ufffd\\ufffd\\ufffd\""), "U+D800 in UTF-8" },
    { T("\xed\xa0\xbd\xed\xb8\x80"), T("\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""), "a pair in UTF-8 (CESU-8)" },
    { T("\xf4\x90\x80\x80"), T("\"\\ufffd\\ufffd\\ufffd\\ufffd\""), "U+110000" },
    { T("\xf8\x88\x80\x80\x80"), T("\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""), "five bytes" },
    { T("\xc3\xa9\xa9"), T("\"\\u00e9\\ufffd\""), "one continuation too many" },
    { T("\xc3\xc3\xa9"), T("\"\\ufffd\\u00e9\""), "a cut one, then a whole one" },
};

/* Writes with each cap that is too small, then with the one that is enough. */
static void check_written_rows(void)
{
    for (size_t i = 0; i < sizeof written_rows / sizeof *written_rows; i++) {
        const struct pair_row *row = &written_rows[i];
        char *in = guarded(row->in.at, row->in.len);
        for (size_t cap = 0; cap <= row->out.len; cap++) {
            char *out = guarded(zeros, cap);
            struct buffer b = { .at = out, .cap = cap };
            json_put_string(&b, (struct slice){ in, row->in.len });
            bool same = b.len <= cap && (b.len == 0 || memcmp(out, row->out.at, b.len) == 0);
            if (cap < row->out.len)
                check(b.overflow && same, "%s: a cap of %zu: overflow %d, %zu bytes", row->why, cap, b.overflow, b.len);
            else
                check(!b.overflow && b.len == cap && same, "%s: overflow %d: %s", row->why, b.overflow,
                      shown((struct slice){ out, cap }));
            guarded_free(out, cap);
        }
        guarded_free(in, row->in.len);
    }

    char room[16] = "";
    struct buffer b = { .at = room, .cap = sizeof room };
    put_text(&b, "{");
    json_put_string(&b, slice_of("a"));
    put_text(&b, ":");
    json_put_string(&b, slice_of("b\n"));
    put_text(&b, "}");
    check(!b.overflow && slice_is((struct slice){ b.at, b.len }, "{\"a\":\"b\\n\"}"), "strings behind others: %s",
          shown((struct slice){ b.at, b.len }));
    json_put_string(&b, slice_of("too long"));
    json_put_string(&b, slice_of(""));
    check(b.overflow && b.len <= b.cap, "what comes behind an overflow is dropped");
}

/* UTF-8 of one character, by RFC 3629 section 3. */
static size_t encode(uint32_t code, char out[4])
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = code >> 6 * (n - 1 - i);
        out[i] = (char)(i > 0 ? 0x80 | (bits & 0x3f) : n == 1 ? bits : (0xf00u >> n & 0xf0) | bits);
    }
    return n;
}

/* What is written is read back: all characters of two bytes and a sample of the others. */
static void check_round_trip(void)
{
    uint32_t wrong = UINT32_MAX;
    for (uint32_t code = 0; code <= 0x10ffff; code += code < 0x1000 ? 1 : 61) {
        char in[4], text[32], out[4];
        size_t n = encode(code, in);
        struct buffer b = { .at = text, .cap = sizeof text };
        struct json_member wanted = { .name = "a" };
        const char *why;
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        put_text(&b, "{\"a\":");
        json_put_string(&b, (struct slice){ in, n });
        put_text(&b, "}");
        enum json_result result = json_object((struct slice){ text, b.len }, &wanted, 1, &why);
        if (result != JSON_OK || wanted.type != JSON_STRING || json_string(wanted.raw, out, n) != (ssize_t)n ||
            memcmp(in, out, n) != 0)
            wrong = code;
    }
    check(wrong == UINT32_MAX, "U+%04X is not read back", (unsigned)wrong);
}

/* ---- an object, member by member ---------------------------------------- */

/* The members as NAME=VALUE; with a space behind each, or what is wrong and the rest. */
static const struct {
    const char *text, *seen;
} walks[] = {
    { "{}", "" },
    { " { } \n", "" },
    { "{\"a\":1}", "\"a\"=1 " },
    { " { \"a\" : {\"b\":[2]} , \"a\" : \"x\" } ", "\"a\"={\"b\":[2]} \"a\"=\"x\" " },
    { "", "!not an object|" },
    { "[]", "!not an object|[]" },
    { "}", "!not an object|}" },
    { ",\"a\":1}", "!not an object|,\"a\":1}" },
    { "\"a\":1", "!not an object|\"a\":1" },
    { "{", "!a string was expected|" },
    { "{,}", "!a string was expected|,}" },
    { "{\"a\":1", "\"a\"=1 !an object without its end|" },
    { "{\"a\":1,", "\"a\"=1 !a string was expected|" },
    { "{\"a\":1,}", "\"a\"=1 !a string was expected|}" },
    { "{\"a\":1 \"b\":2}", "\"a\"=1 !an object without its end|\"b\":2}" },
    { "{\"a\":1{\"b\":2}", "\"a\"=1 !an object without its end|{\"b\":2}" },
    { "{\"a\":1}}", "\"a\"=1 !something behind the object|}" },
    { "{\"a\":1} {}", "\"a\"=1 !something behind the object|{}" },
    { "{\"a\" 1}", "!a member without a colon|1}" },
    { "{\"a\":1,\"b\":tru}", "\"a\"=1 !a malformed value|tru}" },
};

static void check_next(void) {
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        char seen[256], *text = guarded(walks[i].text, strlen(walks[i].text));
        struct buffer b = { .at = seen, .cap = sizeof seen };
        struct slice rest = { text, strlen(walks[i].text) }, name = { NULL, 0 }, value;
        const char *why;
        int got;
        while ((got = json_next(&rest, &name, &value, &why)) == 1) {
            put_bytes(&b, name.at, name.len);
            put_char(&b, '=');
            put_bytes(&b, value.at, value.len);
            put_char(&b, ' ');
        }
        if (got < 0) {
            put_char(&b, '!');
            put_text(&b, why);
            put_char(&b, '|');
            put_bytes(&b, rest.at, rest.len);
        }
        check(slice_is((struct slice){ seen, b.len }, walks[i].seen), "next of %s: %.*s, not %s", walks[i].text,
              (int)b.len, seen, walks[i].seen);
        guarded_free(text, strlen(walks[i].text));
    }
    static char many[20 * 1000];
    struct buffer b = { .at = many, .cap = sizeof many };
    for (int i = 0; i < 1000; i++) put_text(&b, i == 0 ? "{\"a\":{}" : ",\"a\":{}");
    put_char(&b, '}');
    struct slice rest = { many, b.len }, name = { NULL, 0 }, value;
    const char *why;
    int got, n = 0;
    while ((got = json_next(&rest, &name, &value, &why)) == 1) n++;
    check(got == 0 && n == 1000, "1000 members: %d", n);
}

/* ---- an array, element by element ---------------------------------------- */

/* As above. */
static const struct {
    const char *text, *seen;
} arrays[] = {
    { "[]", "" },
    { " [ ] \n", "" },
    { "[1]", "1 " },
    { " [ {\"a\":[1,2]} , \"x\" ,[],null ] ", "{\"a\":[1,2]} \"x\" [] null " },
    { "", "!not an array|" },
    { "{}", "!not an array|{}" },
    { "]", "!not an array|]" },
    { "1]", "!not an array|1]" },
    { ",1]", "!not an array|,1]" },
    { "[", "!a malformed value|" },
    { "[,]", "!a malformed value|,]" },
    { "[1", "1 !an array without its end|" },
    { "[1,", "1 !a malformed value|" },
    { "[1,]", "1 !a malformed value|]" },
    { "[1 2]", "1 !an array without its end|2]" },
    { "[1[2]]", "1 !an array without its end|[2]]" },
    { "[1}", "1 !an array without its end|}" },
    { "[1]]", "1 !something behind the array|]" },
    { "[1] [2]", "1 !something behind the array|[2]" },
    { "[1,tru]", "1 !a malformed value|tru]" },
    { "[\"a]", "!an unfinished string|" },
};

static void check_elements(void) {
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        char seen[256], *text = guarded(arrays[i].text, strlen(arrays[i].text));
        struct buffer b = { .at = seen, .cap = sizeof seen };
        struct slice rest = { text, strlen(arrays[i].text) }, value = { NULL, 0 };
        const char *why;
        int got;
        while ((got = json_element(&rest, &value, &why)) == 1) {
            put_bytes(&b, value.at, value.len);
            put_char(&b, ' ');
        }
        if (got < 0) {
            put_char(&b, '!');
            put_text(&b, why);
            put_char(&b, '|');
            put_bytes(&b, rest.at, rest.len);
        }
        check(slice_is((struct slice){ seen, b.len }, arrays[i].seen), "elements of %s: %.*s, not %s", arrays[i].text,
              (int)b.len, seen, arrays[i].seen);
        guarded_free(text, strlen(arrays[i].text));
    }
}

int main(void)
{
    check_text_rows();
    check_bytes();
    check_limits();
    check_find_rows();
    check_others();
    check_string_rows();
    check_number_rows();
    check_written_rows();
    check_round_trip();
    check_next();
    check_elements();
    return test_end();
}
