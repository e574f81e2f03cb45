/* scrypt_test.c - scrypt and each function inside it: RFC 7914 sections 8, 9, 10
 * and 12, and values computed in Python: with hashlib.scrypt, and for the inner
 * functions with a plain transcription of the RFC.
 *
 * Of section 12, the vector with N = 1048576 is left out: it takes 1 GiB of
 * memory and seconds. The inner functions are static, so the file is included. */
#include "../scrypt.c"
#include <sys/auxv.h>
#include "test.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

enum { MAX_BLOCKS = 4 };

/* Each way there is: where this processor has no such vectors, the second is the first. */
static block_mixing *ways[2];

static void check_bytes(const uint8_t *bytes, const char *right, const char *what)
{
    char hex[2 * 64 * MAX_BLOCKS];
    struct buffer b = { .at = hex, .cap = sizeof hex };
    put_hex(&b, bytes, strlen(right) / 2);
    check(slice_is((struct slice){ hex, b.len }, right), "%s is %.*s, not %s", what, (int)b.len, hex, right);
}

static void load_blocks(struct block *blocks, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        load_block(&blocks[i], bytes + 64 * i);
}

static void check_blocks(const struct block *blocks, size_t n, const char *right, const char *what)
{
    uint8_t bytes[64 * MAX_BLOCKS];
    for (size_t i = 0; i < n; i++)
        store_block(bytes + 64 * i, &blocks[i]);
    check_bytes(bytes, right, what);
}

/* Every byte comes back from where it went, and goes nowhere else. */
static void test_load_store(void)
{
    for (size_t i = 0; i < 64; i++) {
        uint8_t in[64] = { 0 }, out[64];
        struct block b;
        in[i] = 0xff;
        memset(&b, 0x55, sizeof b);
        memset(out, 0xaa, sizeof out);
        load_block(&b, in);
        store_block(out, &b);
        check(memcmp(in, out, sizeof in) == 0, "byte %zu is lost between load_block and store_block", i);
    }
}

static void test_salsa20_8(void)
{
    static const struct {
        const char *source, *in, *out;
    } rows[] = {
        { "RFC 7914 section 8",
          "7e879a214f3ec9867ca940e641718f26baee555b8c61c1b50df846116dcd3b1d"
          "ee24f319df9b3d8514121e4b5ac5aa3276021d2909c74829edebc68db8b8c25e",
          "a41f859c6608cc993b81cacb020cef05044b2181a2fd337dfd7b1c6396682f29"
          "b4393168e3c9e6bcfe6bc5b7a06d96bae424cc102c91745c24ad673dc7618f81" },
        /* Python, the RFC transcribed */
        { "zeros",
          "0000000000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000000",
          "0000000000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000000000000000000000000000000000000000" },
        { "ones",
          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
          "fd9ac888e7d08b489aab6c879bf4c9a29bf4c9a2fd9ac888e7d08b489aab6c87"
          "9aab6c879bf4c9a2fd9ac888e7d08b48e7d08b489aab6c879bf4c9a2fd9ac888" },
    };
    for (size_t row = 0; row < ROWS(rows); row++) {
        uint8_t bytes[64];
        struct block B;
        unhex(rows[row].in, bytes);
        load_block(&B, bytes);
        salsa20_8(&B);
        check_blocks(&B, 1, rows[row].out, rows[row].source);
    }
}

/* What goes into scryptBlockMix and scryptROMix below: the first of section 9
 * and 10, and the Python bytes((37*n+11)&255 for n in range(256)). */
static const char section_9_B[] =
    "f7ce0b653d2d72a4108cf5abe912ffdd777616dbbb27a70e8204f3ae2d0f6fad89f68f4811d1e87bcc3bd7400a9ffd29"
    "094f0184639574f39ae5a1315217bcd7894991447213bb226c25b54da86370fbcd984380374666bb8ffcb5bf40c254b0"
    "67d27c51ce4ad5fed829c90b505a571b7f4d1cad6a523cda770e67bceaaf7e89";
static const char pattern_B[] =
    "0b30557a9fc4e90e33587da2c7ec11365b80a5caef14395e83a8cdf2173c6186abd0f51a3f6489aed3f81d42678cb1d6"
    "fb20456a8fb4d9fe23486d92b7dc01264b7095badf04294e7398bde2072c51769bc0e50a2f54799ec3e80d32577ca1c6"
    "eb10355a7fa4c9ee13385d82a7ccf1163b6085aacff4193e6388add2f71c41668bb0d5fa1f44698eb3d8fd22476c91b6"
    "db00254a6f94b9de03284d7297bce1062b50759abfe4092e53789dc2e70c31567ba0c5ea0f34597ea3c8ed12375c81a6"
    "cbf0153a5f84a9cef3183d6287acd1f61b40658aafd4f91e43688db2d7fc21466b90b5daff24496e93b8dd02274c7196"
    "bbe0052a4f7499bee3082d52779cc1e6";

static void test_block_mix(void)
{
    static const struct {
        const char *source;
        uint32_t r;
        const char *B, *out;
    } rows[] = {
        { "RFC 7914 section 9", 1, section_9_B,
          "a41f859c6608cc993b81cacb020cef05044b2181a2fd337dfd7b1c6396682f29b4393168e3c9e6bcfe6bc5b7a06d96ba"
          "e424cc102c91745c24ad673dc7618f8120edc975323881a80540f64c162dcd3c21077cfe5f8d5fe2b1a4168f953678b7"
          "7d3b3d803b60e4ab920996e59b4d53b65d2a225877d5edf5842cb9f14eefe425" },
        /* Python, the RFC transcribed */
        { "scryptBlockMix, r = 2", 2, pattern_B,
          "5e89b1b9697124234d9679530e4565f588ca43bd7c92bb3026dbc5abe1fff6a3b885039ec5a4921deb868363b747645e"
          "b28cb0ddf8e09fd06523e09401143c56e4bb5691172f5c8ae33b054261125232a18ca9d224e06ea7ad909972058b3b56"
          "4b8d427d6408bf206125f873b306a98e268c82e658d883a3d7c93b00ec1225cf19d754396eecb71f9f651f5715a5fb8a"
          "cc483ccf6d1081a8ab990ecbebeb86c0734a422c6f072293587bc863a8df1ab4bcddf2ea216d0cfd45dd9a24fc222724"
          "b60f8b5631a1abe6a1d418779e45b7f85e54d6de082244b0b39ac421c059966e5b8720a3f58856fd85907e110ba8f964"
          "d0e067b5bb03c7bc5170141fb79f7c2b" },
    };
    for (size_t row = 0; row < ROWS(rows) * ROWS(ways); row++) {
        const uint32_t r = rows[row / 2].r;
        block_mixing *mix = ways[row % 2];
        const char *source = rows[row / 2].source, *right = rows[row / 2].out;
        uint8_t bytes[64 * MAX_BLOCKS];
        struct block B[MAX_BLOCKS], V[MAX_BLOCKS], out[MAX_BLOCKS];
        size_t n = unhex(rows[row / 2].B, bytes);
        load_blocks(B, bytes, 2 * r);
        mix(B, NULL, out, r);
        check_blocks(out, 2 * r, right, source);

        /* the same B as the XOR of two, in three ways: all of it in V, all in B, some in either */
        for (size_t way = 0; way < 3; way++) {
            uint8_t one[sizeof bytes], other[sizeof bytes];
            for (size_t i = 0; i < n; i++) {
                one[i] = (uint8_t)(way == 0 ? 0 : way == 1 ? bytes[i] : 101 * i + 7);
                other[i] = bytes[i] ^ one[i];
            }
            load_blocks(B, one, 2 * r);
            load_blocks(V, other, 2 * r);
            mix(B, V, out, r);
            check_blocks(out, 2 * r, right, source);
        }
    }
}

/* Section 5: the last 64 bytes as a little-endian number, modulo N. */
static void test_integerify(void)
{
    static const struct {
        uint64_t N, right;
    } rows[] = {
        { 2, 0 },
        { 16, 0x8 },
        { 1 << 15, 0x3ef8 },
        { 1ull << 32, 0x0123bef8 },
        { 1ull << 33, 0x10123bef8 },
        { 1ull << 63, 0x765432110123bef8 },
    };
    for (size_t row = 0; row < ROWS(rows); row++) {
        for (uint32_t r = 1; 2 * r <= MAX_BLOCKS; r++) {
            uint8_t bytes[64 * MAX_BLOCKS];
            struct block B[MAX_BLOCKS];
            memset(bytes, 0xff, sizeof bytes);
            unhex("f8be230111325476", bytes + 64 * (2 * r - 1));
            load_blocks(B, bytes, 2 * r);
            uint64_t j = integerify(B, r, rows[row].N);
            check(j == rows[row].right, "Integerify mod %#llx with r = %u is %#llx, not %#llx",
                  (unsigned long long)rows[row].N, r, (unsigned long long)j, (unsigned long long)rows[row].right);
        }
    }
}

static void test_ro_mix(void)
{
    static const struct {
        const char *source;
        uint32_t r, N;
        const char *B, *out;
    } rows[] = {
        { "RFC 7914 section 10", 1, 16, section_9_B,
          "79ccc193629debca047f0b70604bf6b62ce3dd4a9626e355fafc6198e6ea2b46d58413673b99b029d665c357601fb426"
          "a0b2f4bba200ee9f0a43d19b571a9c71ef1142e65d5a266fddca832ce59faa7cac0b9cf1be2bffca300d01ee387619c4"
          "ae12fd4438f203a0e4e1c47ec314861f4e9087cb33396a6873e8f9d2539a4b8e" },
        /* Python, the RFC transcribed */
        { "scryptROMix, r = 1, N = 2", 1, 2, section_9_B,
          "cfdb83e76fb8bcf9c18c63c212cfdaa16eb2b553ef19dd592fd33fb615f7eb62ac727d54f56675d2d9bbd59f94f74af1"
          "4553143d48c5317a36c9b77d1dd0f0d3dd2e50db1e08667d11feb8db1957801eb924671e977b64a3e0930deb344b2e41"
          "a78bd197ab7f52d9a88a3bcdeb83bd9c009a09e2198a8217e27a644f82af199a" },
        { "scryptROMix, r = 2, N = 8", 2, 8, pattern_B,
          "9259b35f8ce1c3619a5c95a97e934d955fb0a5da8756e1ffa4d653f4652507e60b8a66e4404514a29e46ba791aa25292"
          "1fb4a599a7b27355e29352615a085c218357e51fe9335de44d81e874e1367f25f7d97419991c8d85c30ac36b4f3b147a"
          "a6cc3f9e14eb4b71282267f33a4d923cf1cc0b394de4a02e7932a46d2a0b3bd84c4967a93d5e92a7a92f7cd480be1a58"
          "c21f31252275d6a743aad023323efc3b0975a29d65d81a77aa04724d51bdd13d3340181fbc58a156edb52f87d23e26a9"
          "3b604dacc333a69ef63293e1e1d4bb3d39e74606443f7acb10298d6281bde00a5e6b256de3f6a8c2d8c3bc549298fa51"
          "c5d71d098d0516232afd5cc9528c8911" },
    };
    for (size_t row = 0; row < ROWS(rows) * ROWS(ways); row++) {
        const uint32_t r = rows[row / 2].r;
        uint8_t bytes[64 * MAX_BLOCKS];
        struct block X[MAX_BLOCKS], Y[MAX_BLOCKS], V[16 * MAX_BLOCKS];
        unhex(rows[row / 2].B, bytes);
        load_blocks(X, bytes, 2 * r);
        ro_mix(ways[row % 2], X, Y, V, r, rows[row / 2].N);
        check_blocks(X, 2 * r, rows[row / 2].out, rows[row / 2].source);
    }
}

static void test_scrypt(void)
{
    static const struct {
        const char *source, *P;
        size_t P_len;
        const char *S;
        size_t S_len;
        uint64_t N;
        uint32_t r, p;
        const char *DK;
    } rows[] = {
#define TEXT(literal) literal, sizeof literal - 1
        { "RFC 7914 section 12, first", TEXT(""), TEXT(""), 16, 1, 1,
          "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
          "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906" },
        { "RFC 7914 section 12, second", TEXT("password"), TEXT("NaCl"), 1024, 8, 16,
          "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
          "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640" },
        { "RFC 7914 section 12, third", TEXT("pleaseletmein"), TEXT("SodiumChloride"), 16384, 8, 1,
          "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
          "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887" },
        /* Python: hashlib.scrypt(P, salt=S, n=N, r=r, p=p, dklen=...) */
        { "scrypt:32768:8:1", TEXT("pass1425"), TEXT("0123456789abcdef"), 32768, 8, 1,
          "79c106581a70594583c39fe5c078e27934af8adfded3a21bf32110af960e4dbe"
          "36ce0667c3edea3d4350573a0f9d55ecea91cc403622d935ca6d30f681831c5d" },
        { "the smallest parameters", TEXT("password"), TEXT("salt"), 2, 1, 1,
          "6d1bb878eee9ce4a7b77d7a44103574d4cbfe3c15ae3940f0ffe75cd5e1e0afa" },
        { "p = 2", TEXT("password"), TEXT("salt"), 16, 1, 2,
          "d8daed18e86519e136e7b604855d9f22bdf9b29096706516b8f411740f003934" },
        { "p = 3, r = 3", TEXT("password"), TEXT("salt"), 64, 3, 3,
          "1b88de7cc4152da4bc30ea7ca693844f4f653ac3129b670e9de5a5aed4aa3ee8"
          "831899ddac5a95a6f6fa38737fc68f3d75e37f9990f5d387f94182b9c6e5b228" },
        { "p = 5, dkLen = 1", TEXT("password"), TEXT("salt"), 4, 8, 5, "1a" },
        { "dkLen = 100", TEXT("password"), TEXT("salt"), 8, 5, 1,
          "5fba2d45cce935d938a008f00465fbc1528749e8cf29e7738ac9940b174bb6a07a3c6a1f32f1a8446421668036cc59c6c783"
          "4ae88481d722b102ee924e896ba9af483fd2d449f30fb370cdf8abae4e5d2e677aed2808fea14d232ef75a226ef702543d1e" },
        { "no salt, r = 33, p = 2, dkLen = 33", TEXT("password"), TEXT(""), 2, 33, 2,
          "7cc666fd4cf23529c6bb93e077b9724f8c0c496c34c0dfd7ba5df4db5983d472"
          "19" },
        { "NUL in both, dkLen = 31", TEXT("pass\0word"), TEXT("sa\0lt"), 32, 2, 1,
          "f712db56dd6d613b455d41b151878684d0d74999aefd1d9bcc5afd6ea729aa" },
        { "a password and a salt of 65 bytes",
          TEXT("ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"),
          TEXT("sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"), 128, 8, 1,
          "1e6cecf97919eead9a00f2161e9fe9376da96bc00e4596d1404c57f6941537a5"
          "34179c722ad19a681d8302b5d9f2f4f1e26e8e3147bc8431f4311653a1f7faf6" },
#undef TEXT
    };
    sha256_compress *const compress[] = { sha256_compress_portable, sha256_fastest(getauxval(AT_HWCAP)) };
    for (size_t i = 0; i < ROWS(rows) * ROWS(compress); i++) {
        const size_t row = i / 2;
        const size_t P_len = rows[row].P_len, S_len = rows[row].S_len, dkLen = strlen(rows[row].DK) / 2;
        const uint64_t N = rows[row].N;
        size_t size = scrypt_memory(N, rows[row].r, rows[row].p);
        void *memory = size ? aligned_alloc(SCRYPT_ALIGN, size) : NULL;
        check(memory != NULL, "%s: %zu bytes of memory", rows[row].source, size);
        if (memory == NULL)
            continue;
        memset(memory, 0xa5, size); /* what it held before must not matter */
        uint8_t *P = guarded(rows[row].P, P_len), *S = guarded(rows[row].S, S_len);
        uint8_t *DK = guarded(memory, dkLen);
        struct hmac_key k;
        hmac_key_init(&k, compress[i % 2], P, P_len);
        scrypt(&k, S, S_len, N, rows[row].r, rows[row].p, memory, DK, dkLen);
        check_bytes(DK, rows[row].DK, rows[row].source);
        guarded_free(P, P_len);
        guarded_free(S, S_len);
        guarded_free(DK, dkLen);
        free(memory);
    }
}

static void test_memory(void)
{
    static const struct {
        const char *why;
        uint64_t N;
        uint32_t r, p;
        uint64_t size; /* where a size_t has 64 bits */
    } rows[] = {
        /* refused */
        { "N = 0", 0, 8, 1, 0 },
        { "N = 1", 1, 8, 1, 0 },
        { "N = 3, no power of two", 3, 8, 1, 0 },
        { "N = 6, no power of two", 6, 8, 1, 0 },
        { "N one below a power of two", 32767, 8, 1, 0 },
        { "N one above a power of two", 32769, 8, 1, 0 },
        { "N = 2^64 - 1", UINT64_MAX, 8, 1, 0 },
        { "N = 2^32 + 2, in 32 bits a power of two", (1ull << 32) + 2, 8, 1, 0 },
        { "r = 0", 16, 0, 1, 0 },
        { "p = 0", 16, 1, 0, 0 },
        { "r = p = 0", 16, 0, 0, 0 },
        { "r * p = 2^30, all in r", 16, 1u << 30, 1, 0 },
        { "r * p = 2^30, all in p", 16, 1, 1u << 30, 0 },
        { "r * p = 2^30, half and half", 16, 1u << 15, 1u << 15, 0 },
        { "r * p = 2^32, in 32 bits 0", 16, 1u << 16, 1u << 16, 0 },
        { "r * p = 2^32 + 1, in 32 bits 1", 16, 641, 6700417, 0 },
        { "r and p at their types' end", 16, UINT32_MAX, UINT32_MAX, 0 },
        { "N * 128 * r = 2^64", 1ull << 54, 8, 1, 0 },
        { "N = 2^63, the greatest power of two", 1ull << 63, 8, 1, 0 },
        { "N = 2^63, r * p just below 2^30", 1ull << 63, (1u << 30) - 1, 1, 0 },
        { "N * 128 * r = 2^64 - 2^36, the rest brings it over", 1ull << 29, (1u << 28) - 1, 1, 0 },
        /* accepted: (N + p + 2) * 128 * r */
        { "the smallest of all", 2, 1, 1, 5 * 128 },
        { "RFC 7914 section 12, first", 16, 1, 1, 19 * 128 },
        { "RFC 7914 section 12, second", 1024, 8, 16, 1042 * 1024 },
        { "RFC 7914 section 12, third", 16384, 8, 1, 16387 * 1024 },
        { "RFC 7914 section 12, fourth", 1048576, 8, 1, 1048579 * 1024 },
        { "scrypt:32768:8:1", 32768, 8, 1, 32771 * 1024 },
        { "N = 2^32", 1ull << 32, 8, 1, ((1ull << 32) + 3) * 1024 },
        { "r * p = 2^30 - 1, all in r", 2, (1u << 30) - 1, 1, 5 * 128 * ((1ull << 30) - 1) },
        { "r * p = 2^30 - 1, all in p", 2, 1, (1u << 30) - 1, ((1ull << 30) + 3) * 128 },
        { "N * 128 * r = 2^63", 1ull << 53, 8, 1, (1ull << 63) + 3 * 1024 },
        { "just below 2^64", 1ull << 29, (1u << 28) - 2, 1, ((1ull << 29) + 3) * ((1ull << 35) - 256) },
    };
    for (size_t row = 0; row < ROWS(rows); row++) {
        size_t size = scrypt_memory(rows[row].N, rows[row].r, rows[row].p);
        uint64_t expected = rows[row].size <= SIZE_MAX ? rows[row].size : 0; /* 32 bits hold less */
        check(size == expected, "scrypt_memory, %s: %zu, not %llu", rows[row].why, size,
              (unsigned long long)expected);
    }
}

int main(void)
{
    ways[0] = block_mix;
    ways[1] = fastest_block_mix();
    test_load_store();
    test_salsa20_8();
    test_block_mix();
    test_integerify();
    test_ro_mix();
    test_scrypt();
    test_memory();
    return test_end();
}
