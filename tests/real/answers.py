"""What models write, of several kinds: answers in a chat, prose, code, sums, and other languages and scripts."""

from __future__ import annotations

ANSWERS = {
    "chat": """The capital of France is Paris. It lies on the river Seine, in the north of the country.

Sure! Here are three ideas for a quick breakfast:

1. **Porridge with berries**: cook rolled oats in milk, then add blueberries and a spoonful of honey.
2. **Yogurt with fruit**: mix plain yogurt, granola and a sliced banana.
3. **Toast with avocado**: mash half an avocado, add salt, pepper and a little lemon juice.

Would you like a shopping list for the week? I'm happy to write one.

I'm sorry, but I don't have access to your calendar. However, I can suggest how to plan your day: start with the task \
that matters most, take a short break every hour, and leave the emails for the afternoon.
""",
    "prose": """When the ferry left the harbour that morning, nobody on deck had noticed the second lighthouse. It \
stood behind the first one, smaller and unpainted, and its lamp had not been lit for forty years. My grandfather, who \
was its last keeper, used to say that a light which nobody needs is the most honest kind of building. He had kept the \
logbooks, all sixty-two of them, in a trunk under the stairs; they smelled of paraffin and told, in a small upright \
hand, of fog, herring, unexpected visitors and the price of rope.
""",
    "code": """def moving_average(values: list[float], width: int) -> list[float]:
    \"\"\"The mean of every `width` neighbours; raises ValueError if there are too few.\"\"\"
    if not 0 < width <= len(values):
        raise ValueError(f"expected a width from 1 to {len(values)}, got {width}")
    total = sum(values[:width])
    found = [total / width]
    for index in range(width, len(values)):
        total += values[index] - values[index - width]
        found.append(total / width)
    return found


SELECT customer.name, COUNT(*) AS orders
FROM customer JOIN purchase ON purchase.customer_id = customer.id
WHERE purchase.placed_at >= '2024-01-01'
GROUP BY customer.name
ORDER BY orders DESC;
""",
    "sums": """To solve 3x + 7 = 22, subtract 7 from both sides, which gives 3x = 15, so x = 5. The area of a circle \
of radius 12 cm is 3.14159 * 144 = 452.39 square centimetres. Of the 1,250 people who were asked, 38% said yes: that \
is 475. The train leaves at 14:35 and takes 2 hours and 50 minutes, so it arrives at 17:25.
""",
    "German": """Die Hauptstadt von Deutschland ist Berlin. Die Stadt hat ungefähr dreieinhalb Millionen Einwohner und \
liegt an der Spree. Wenn Sie nur einen Tag Zeit haben, empfehle ich einen Spaziergang vom Brandenburger Tor bis zur \
Museumsinsel; unterwegs können Sie in einem der vielen Cafés frühstücken. Für größere Entfernungen gibt es die \
Straßenbahn und die U-Bahn, mit denen man überall schnell und günstig hinkommt.
""",
    "Russian": """Столица России — Москва. Город стоит на реке, которая носит то же имя, и в нём живёт больше \
двенадцати миллионов человек. Если у вас есть только один день, начните с прогулки по центру, а вечером сходите \
в театр. Зимой здесь холодно, поэтому возьмите с собой тёплую одежду.
""",
    "Chinese": """北京是中国的首都,也是全国的政治和文化中心。如果您只有一天的时间,我建议您早上去故宫,下午去颐和园散步,\
晚上尝一尝烤鸭。春天和秋天的天气最舒服,冬天比较冷,请多带一些衣服。从机场到市区大约需要一个小时。
""",
}
"""Texts by kind."""
EVERYDAY = ("chat", "prose", "code", "German")
"""Of these, what the bar of steps is asked of: written in letters that most vocabularies know in words."""
