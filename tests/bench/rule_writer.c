/* A rule is one of nine kinds, about one of 2,400 products. */
#include "rule_writer.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const en_adjectives[] = {
    "linen",  "cotton",  "woollen", "leather", "oak",     "walnut",  "steel",   "copper",   "glass",   "ceramic",
    "folding", "foldable", "large", "small",   "round",   "square",  "blue",    "red",      "green",   "grey",
    "striped", "plain",  "heated",  "cordless", "wireless", "solar", "outdoor", "portable", "kids",    "travel",
    "winter", "summer",  "vintage", "modern",  "heavy",   "light",   "waterproof", "padded", "digital", "classic"};
static const char *const en_nouns[] = {
    "apron",   "blanket", "kettle", "lamp",    "table",   "chair",   "shelf",  "mirror",  "carpet",  "curtain",
    "pillow",  "mattress", "drawer", "cabinet", "desk",   "bench",   "stool",  "basket",  "bucket",  "ladder",
    "hammer",  "drill",   "saw",    "pump",    "hose",    "grill",   "oven",   "fridge",  "freezer", "toaster",
    "mixer",   "blender", "teapot", "mug",     "plate",   "bowl",    "knife",  "spoon",   "pan",     "pot",
    "backpack", "suitcase", "wallet", "belt",  "jacket",  "coat",    "scarf",  "glove",   "boot",    "sandal",
    "tent",    "helmet",  "bicycle", "scooter", "charger", "headset", "speaker", "keyboard", "monitor", "camera"};
static const char *const en_verbs[] = {"return", "exchange", "repair", "clean",  "assemble", "cancel",
                                       "track",  "order",    "insure", "charge", "replace",  "adjust"};
static const char *const zh_adjectives[] = {
    "亚麻", "纯棉", "羊毛", "真皮", "橡木", "胡桃木", "不锈钢", "铜制", "玻璃", "陶瓷", "折叠", "可折", "大号", "小号",
    "圆形", "方形", "蓝色", "红色", "绿色", "灰色",   "条纹",   "素色", "加热", "无线", "充电", "太阳能", "户外", "便携",
    "儿童", "旅行", "冬季", "夏季", "复古", "现代",   "加厚",   "轻便", "防水", "加绒", "数码", "经典"};
static const char *const zh_nouns[] = {
    "围裙", "毯子", "水壶", "台灯", "桌子", "椅子", "书架", "镜子", "地毯", "窗帘", "枕头", "床垫", "抽屉", "柜子", "书桌",
    "长凳", "凳子", "篮子", "水桶", "梯子", "锤子", "电钻", "锯子", "水泵", "水管", "烤架", "烤箱", "冰箱", "冷柜", "面包机",
    "搅拌机", "榨汁机", "茶壶", "杯子", "盘子", "碗",   "菜刀", "勺子", "平底锅", "炖锅", "背包", "行李箱", "钱包", "皮带", "夹克",
    "大衣", "围巾", "手套", "靴子", "凉鞋", "帐篷", "头盔", "自行车", "滑板车", "充电器", "耳机", "音箱", "键盘", "显示器", "相机"};
static const char *const zh_verbs[] = {"退货", "换货", "维修", "清洗", "组装", "取消", "查询", "购买", "投保", "充值", "更换", "调整"};

#define PICK(list, n) (list)[(n) % (sizeof(list) / sizeof((list)[0]))]

struct product {
    const char *adjective, *noun, *verb;
    bool chinese;
    unsigned code;
};

enum { KINDS = 9, FIRST_CHINESE = 5 };

static struct product product_of(size_t index) {
    size_t kind = index % KINDS, number = index / KINDS;
    size_t adjective = number % 40, noun = number / 40 * 7 + number % 40 * 3, verb = number * 5 + number / 12;
    bool chinese = kind >= FIRST_CHINESE;
    return (struct product){chinese ? PICK(zh_adjectives, adjective) : PICK(en_adjectives, adjective),
                            chinese ? PICK(zh_nouns, noun) : PICK(en_nouns, noun),
                            chinese ? PICK(zh_verbs, verb) : PICK(en_verbs, verb), chinese, (unsigned)number};
}

static void print(struct rp_buf *out, const char *format, const char *a, const char *b, const char *c) {
    const char *parts[] = {a, b, c};
    for (const char *at = format; *at; at++) {
        if (*at == '%') {
            const char *part = parts[*++at - '1'];
            rp_buf_append(out, part, strlen(part));
        } else {
            rp_buf_append(out, at, 1);
        }
    }
}

bool writer_pattern(struct rp_buf *out, size_t index, int which) {
    static const char *const formats[KINDS][2] = {
        {"(?i)\\b(?:how|where|when)\\b.*\\b%3(?:ing|ed|s)?\\b.*\\b%1 %2s?\\b"},
        {"(?i)\\b%1\\s+%2s?\\b.*\\b(?:price|cost|how much)\\b", "(?i)\\b(?:price|cost|how much)\\b.*\\b%1\\s+%2s?\\b"},
        {"(?i)\\b(?:track|status|where)\\b.*\\b%2\\s*#?(?<id>P%4-\\d{4,})"},
        {"(?i)\\b%3\\b.{0,20}\\b%1 %2\\b", "(?i)\\b%1 %2\\b.{0,20}\\b%3\\b"},
        {"(?i)^(?:hi|hello|good morning)?[, ]*(?:my|the) %1 %2 is (?:broken|late|missing)"},
        {"%1%2.{0,6}(?:多少钱|价格|怎么卖)"},
        {"(?:怎么|如何|能不能).{0,8}%3.{0,4}%1%2"},
        {"%1%2%3", "%3%1%2"},
        {"(?:订单|单号)\\s*(?<id>P%4\\d{4,})"},
    };
    struct product product = product_of(index);
    const char *format = formats[index % KINDS][which];
    char code[16];
    if (!format) return false;
    snprintf(code, sizeof(code), "%u", product.code);
    for (const char *at = format; *at; at++) {
        if (at[0] == '%' && at[1] == '4') {
            rp_buf_append(out, code, strlen(code));
            at++;
        } else if (at[0] == '%') {
            char one[3] = {'%', *++at, 0};
            print(out, one, product.adjective, product.noun, product.verb);
        } else {
            rp_buf_append(out, at, 1);
        }
    }
    return true;
}

static void write_reply(struct rp_buf *out, size_t index, const struct product *product) {
    const char *format = product->chinese ? "关于%1%2的%3，请您稍等，我们的客服会尽快为您处理。" :
                                            "About your %1 %2: please have a look at our page on how to %3 it.";
    if (index % 5 == 0) {
        rp_buf_printf(out, "  reply = function(t)\n    t.session.topic = %zu\n    return \"", index);
        print(out, format, product->adjective, product->noun, product->verb);
        rp_buf_printf(out, "\"\n  end,\n");
    } else {
        rp_buf_printf(out, "  reply = \"");
        print(out, format, product->adjective, product->noun, product->verb);
        rp_buf_printf(out, "\",\n");
    }
}

void writer_rule(struct rp_buf *out, size_t index) {
    struct product product = product_of(index);
    rp_buf_printf(out, "rule \"topic-%zu\" {\n  match = { [[", index);
    writer_pattern(out, index, 0);
    rp_buf_printf(out, "]]");
    size_t before = out->len;
    rp_buf_printf(out, ", [[");
    if (writer_pattern(out, index, 1)) {
        rp_buf_printf(out, "]]");
    } else {
        out->len = before;
    }
    rp_buf_printf(out, " },\n");
    write_reply(out, index, &product);
    rp_buf_printf(out, "}\n\n");
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static size_t characters(struct rp_str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

static void pad(struct rp_buf *out, size_t start, bool chinese, size_t index) {
    static const char *const en[] = {" I have been a customer of yours for years.", " Thank you very much in advance!",
                                     " My neighbour told me about your shop.", " I could not find it on your page.",
                                     " Please let me know, I am in no hurry."};
    static const char *const zh[] = {"我是你们的老顾客了，", "麻烦尽快回复一下，谢谢！", "朋友推荐我来你们店里看看。",
                                     "网页上没有找到相关的说明。", "不着急，有空的时候告诉我就行。"};
    while (characters(rp_str_n(out->data + start, out->len - start)) < WRITER_LENGTH) {
        const char *more = chinese ? PICK(zh, index) : PICK(en, index);
        rp_buf_append(out, more, strlen(more));
        index++;
    }
    while (characters(rp_str_n(out->data + start, out->len - start)) > WRITER_LENGTH) {
        out->len = rp_utf8_whole(out->data, out->len - 1);
    }
}

void writer_hit(struct rp_buf *out, size_t index) {
    static const char *const formats[KINDS] = {"How do I go about %3ing the %1 %2?",
                                               "The %1 %2 looks nice, what is the price?",
                                               "Where is my %2 ",
                                               "I would like to %3 the %1 %2.",
                                               "Hello, my %1 %2 is late",
                                               "你好，请问%1%2现在多少钱？",
                                               "请问怎么办理%3，我的%1%2坏了",
                                               "我想%3%1%2，可以吗？",
                                               "我的订单 "};
    struct product product = product_of(index);
    size_t start = out->len;
    print(out, formats[index % KINDS], product.adjective, product.noun, product.verb);
    if (index % KINDS == 2) rp_buf_printf(out, "P%u-4711?", product.code);
    if (index % KINDS == 8) rp_buf_printf(out, "P%u4711 到哪了？", product.code);
    pad(out, start, product.chinese, index);
}

void writer_miss(struct rp_buf *out, size_t index) {
    static const char *const formats[] = {"How was your %3? We had a %2 too, a %1 one, and loved it.",
                                          "Do you know when the %2 arrives? It is %1, I believe.",
                                          "我家的%2很好用，不过%1的那种我没有试过，%3的事下次再说。",
                                          "你们的%3流程很方便，%2也不错，颜色是%1的。"};
    bool chinese = index % 4 >= 2;
    struct product product = product_of(chinese ? index * KINDS + FIRST_CHINESE : index * KINDS);
    size_t start = out->len;
    print(out, formats[index % 4], product.adjective, product.noun, product.verb);
    pad(out, start, chinese, index);
}
