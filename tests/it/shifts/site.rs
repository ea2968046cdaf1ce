//! Ten pages as marketing sites have them, each of which can be edited while it loads.
//!
//! Every page has `#first` (before which a banner goes), `#gone` (a paragraph to be removed),
//! `#block` (to be moved behind `#target`), `#point` (which can be pushed down by a pixel) and
//! `#buy` (a button below all of these that can get another colour).

/// What a page is made of, and its name.
pub(crate) const PAGES: &[(&str, &str)] = &[
    ("landing", LANDING),
    ("article", ARTICLE),
    ("sidebar", SIDEBAR),
    ("pricing", PRICING),
    ("questions", QUESTIONS),
    ("email", EMAIL),
    ("night", NIGHT),
    ("catalogue", CATALOGUE),
    ("handbook", HANDBOOK),
    ("checkout", CHECKOUT),
];

/// The page with an edit, which is what stands after the `?` of its address.
pub(crate) fn page(body: &str, edit: &str) -> String {
    format!(
        "<!doctype html><meta charset=utf-8>{STYLE}{body}<script>const edit = '{edit}';{EDIT}</script>"
    )
}

const EDIT: &str = "
const at = (id) => document.getElementById(id);
if (edit.includes('banner')) {
  const banner = document.createElement('div');
  banner.style.cssText = 'height: 42px; background: #e6007e; color: #fff; line-height: 42px';
  banner.textContent = 'Spring sale: two for one until Sunday';
  at('first').before(banner);
}
if (edit.includes('dropped')) at('gone').remove();
if (edit.includes('moved')) at('target').after(at('block'));
if (edit.includes('pixel')) at('point').style.paddingTop =
  (parseFloat(getComputedStyle(at('point')).paddingTop) + 1) + 'px';
if (edit.includes('button')) at('buy').style.background = '#c22';
";

const STYLE: &str = "<style>
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 'Liberation Sans', sans-serif; color: #223; background: #fff }
h1 { font-size: 34px; margin: 0 0 12px } h2 { font-size: 22px; margin: 0 0 8px }
p { margin: 0 0 16px } section, .wide { padding: 24px 40px }
#buy, .cta { display: inline-block; padding: 10px 26px; border-radius: 22px; background: #0a7a5c;
  color: #fff }
.card { border: 1px solid #ccd; border-radius: 12px; padding: 18px; margin-bottom: 20px }
.row { display: flex; gap: 24px } .row > * { flex: 1 }
header { background: #123; color: #fff; padding: 18px 40px }
footer { background: #eef; padding: 30px 40px; color: #556 }
#block { background: #fff7dd; padding: 14px } #gone { color: #b05a00 }
</style>";

const LANDING: &str = "
<header><b>Northwind</b> Tea, shipped weekly</header>
<section style='background: linear-gradient(90deg, #fde, #def)'><h1>Wake up to something better</h1>
<p>Small farms, short ways, and nothing in it that you cannot read aloud.</p></section>
<section id=first><h2>Why people stay</h2><p>They order once and stay for years.</p>
<p id=gone>Nine in ten of our customers have told a friend about us, and we have never paid for that.</p>
<p>We answer every letter by hand.</p></section>
<section id=block><h2>As seen in</h2><p>The Daily Grocer, Leaf and Cup, The Sunday Table.</p></section>
<section><h2>How it works</h2><p>Choose a box, tell us when, and put the kettle on.</p></section>
<section id=target><h2>What it costs</h2><p>Twelve a month, or a hundred and twenty a year.</p></section>
<section id=point><h2>Ready?</h2><p>Your first box is on us.</p><a id=buy>Start now</a></section>
<footer>Northwind Tea, 12 Harbour Street</footer>";

const ARTICLE: &str = "
<div style='max-width: 640px; margin: 0 auto; padding: 30px 20px'>
<h1>How we moved a warehouse over a weekend</h1>
<p id=first>It began with a leak. By Friday noon the water stood at the second shelf, and by evening
we had rented the hall across the street.</p>
<p>Forty people came who did not have to. They carried eleven thousand boxes, most of them twice.</p>
<p id=gone>The lift gave up at midnight. Somebody found a conveyor belt from a bakery, and until four
in the morning tea travelled where rolls had travelled before.</p>
<p>On Saturday the shelves went up again, in the order in which they had come down.</p>
<blockquote id=block><p>I have never seen so much tea in so little light.</p></blockquote>
<p>On Sunday we counted. Three boxes were missing; one has been found since.</p>
<p id=target>On Monday at nine the first parcel left, addressed to the plumber.</p>
<p id=point>We have kept the conveyor belt.</p><p><a id=buy>Read more</a></p>
<p>Written by the people who carried.</p></div>";

const SIDEBAR: &str = "
<header><b>Field notes</b></header>
<div class=row style='padding: 30px 40px; gap: 48px'><main style='flex: 3'>
<h1>Pruning in February</h1><p id=first>Cut above an outer bud, and do it on a dry day.</p>
<p>Young trees want courage, old ones patience. In either case begin with what is dead.</p>
<p id=gone>A saw that is not sharp tears the bark, and what tears does not heal before May. Have it
sharpened, or borrow one from somebody who has.</p>
<h2>What to cut</h2><p>Everything that crosses, everything that points inwards, and one thing more.</p>
<div id=block><b>Remember:</b> no more than a quarter in a year.</div>
<p>Water shoots are the tree's answer to a cut that was too bold. Leave one in three.</p>
<p id=target>Paint large wounds only if it makes you feel better; the tree does not mind.</p>
<p id=point>Then sweep up, and burn what was sick.</p><p><a id=buy>Order a saw</a></p>
<p>Next month: grafting, or how to have two kinds of apple on one tree.</p>
<p>Until then keep the ladder dry and the rabbits out.</p></main>
<aside style='flex: 1; border-left: 2px solid #dde; padding-left: 24px'>
<h2>Calendar</h2><p>1 March: seed swap</p><p>9 March: grafting course</p><p>20 March: open garden</p>
<h2>Tools</h2><p>Bypass shears</p><p>Folding saw</p><p>Ladder of three metres</p>
</aside></div><footer>Field notes, since 1987</footer>";

const PRICING: &str = "
<header><b>Ledgerly</b></header><section><h1>Plans for every size</h1>
<p id=first>Change or leave at any time.</p></section>
<div class='wide row'><div class=card><h2>Solo</h2><p>1 person, 3 books</p><b>9 a month</b></div>
<div class=card><h2>Team</h2><p>10 people, 30 books</p><b>29 a month</b></div>
<div class=card><h2>Firm</h2><p>Everybody, everything</p><b>99 a month</b></div></div>
<section><p id=gone>All plans have backups by the hour, two factors and an export that any spreadsheet
opens.</p><p>Prices are without tax.</p></section>
<section id=block><h2>Students</h2><p>Half the price, with a card.</p></section>
<section><h2>Moving from elsewhere</h2><p>We carry over five years of books in a night.</p></section>
<section id=target><h2>Charities</h2><p>Nothing, for as long as you are one.</p></section>
<section id=point><h2>Questions?</h2><p>Ask a person who keeps books.</p><a id=buy>Try it</a></section>
<footer>Ledgerly and Daughters</footer>";

const QUESTIONS: &str = "
<section><h1>Questions and answers</h1></section><section>
<div class=card id=first><h2>When do you deliver?</h2><p>On the day that you choose, before noon.</p></div>
<div class=card><h2>May I send it back?</h2><p>For sixty days, and we pay for the way.</p></div>
<div class=card id=gone><h2>Is it a gift?</h2><p>Then leave out the bill: there is a box to tick.</p></div>
<div class=card><h2>Where is it made?</h2><p>In Porto, by eleven people and a dog.</p></div>
<div class=card id=block><h2>Is the dog friendly?</h2><p>To most, and to you in any case.</p></div>
<div class=card><h2>Do you ship abroad?</h2><p>Wherever a postman goes.</p></div>
<div class=card id=target><h2>How do I pay?</h2><p>By card, by transfer, or on the spot.</p></div>
<div class=card id=point><h2>May I visit?</h2><p>On Thursdays, and bring a hat.</p></div>
<a id=buy>Write to us</a></section><footer>Answers by Ines</footer>";

const EMAIL: &str = "
<body style='background: #e9e9ef'><div style='width: 600px; margin: 24px auto; background: #fff'>
<div style='background: #402; color: #fff; padding: 20px'><b>Your order is on its way</b></div>
<div style='padding: 24px'><p id=first>Dear Ada,</p><p>Two cups and a pot have left our house.</p>
<p id=gone>They travel with Bruno, who drives carefully and rings twice. If you are out he leaves them
with the neighbour whom you named.</p><p>You can follow him on a map.</p>
<div id=block>Order 10 482, two parcels</div><p>Thank you for waiting.</p>
<p id=target>If something is broken, send a picture; we send a new one.</p>
<p id=point>Yours, the Kiln</p><a id=buy>Follow Bruno</a></div>
<div style='padding: 20px; color: #667'>You get this letter because you bought something.</div></div>";

const NIGHT: &str = "
<body style='background: #10141f; color: #cfd6e6'>
<section><h1>See the sky you pay for</h1><p id=first>Lamps that point down, and only when somebody is there.</p></section>
<section><p>A town of nine thousand saves forty thousand a year.</p>
<p id=gone>Moths come back within one summer, and with them everything that eats moths. The owls were
counted in the third year.</p><p>Nobody has stumbled yet.</p></section>
<section id=block style='background: #1d2436'><h2>The council</h2><p>Voted for it, eleven to two.</p></section>
<section><h2>The lamps</h2><p>Warm, dim, and made to be mended.</p></section>
<section id=target><h2>The stars</h2><p>Were there all along.</p></section>
<section id=point><h2>Your street</h2><p>Could be next.</p><a id=buy>Ask your council</a></section>";

const CATALOGUE: &str = "
<header><b>Wool and Loom</b></header><section><h1 id=first>Blankets</h1></section>
<div class='wide row'><div class=card><h2>Heather</h2><p>130 x 200, grey and rose</p><p>89</p></div>
<div class=card><h2>Moor</h2><p>130 x 200, brown and moss</p><p>89</p></div>
<div class=card><h2>Skerry</h2><p>150 x 220, blue and white</p><p>119</p></div></div>
<section><p id=gone>Woven in one piece on looms from 1923, washed in rain water and dried outside.</p></section>
<section id=block><h2>Mending</h2><p>Moths? We mend what we have made.</p></section>
<div class='wide row'><div class=card><h2>Croft</h2><p>90 x 120, for a cradle</p><p>49</p></div>
<div class=card><h2>Byre</h2><p>90 x 120, for a dog</p><p>39</p></div>
<div class=card><h2>Shieling</h2><p>200 x 220, for two</p><p>149</p></div></div>
<section id=target><h2>Samples</h2><p>Six squares by post, three the lot.</p></section>
<section id=point><h2>In the shop</h2><p>Tuesday to Saturday.</p><a id=buy>Order samples</a></section>
<footer>Wool and Loom, by the bridge</footer>";

const HANDBOOK: &str = "
<div class=row style='gap: 0'><nav style='flex: 0 0 220px; background: #f2f4f8; padding: 24px'>
<p>Install</p><p>First steps</p><p>Settings</p><p>Plug-ins</p><p>Upgrade</p><p>Trouble</p><p>Glossary</p>
<p>Licence</p><p>Contact</p></nav><main style='padding: 24px 40px'>
<h1>First steps</h1><p id=first>Open the lid and press the button for three seconds.</p>
<div class=card>$ brew --pot 2 --warm</div><p>A light goes on. If it is red, add water.</p>
<p id=gone>The first pot tastes of the factory. Pour it away, or give it to a plant that you do not
like.</p><p>The second pot is for you.</p><div id=block>Tip: soft water makes a clearer cup.</div>
<p>Choose how strong it should be with the wheel at the side.</p>
<p id=target>The wheel has eleven steps, of which seven are sensible.</p>
<div class=card>$ brew --strength 7</div><p id=point>After a month the light turns blue: clean the sieve.</p>
<p><a id=buy>Order a sieve</a></p><p>That is all there is to know.</p></main></div>";

const CHECKOUT: &str = "
<header><b>Checkout</b></header><div class=row style='padding: 24px 40px'><form>
<h2 id=first>Where to?</h2><p>Name</p><p><input size=40 value='Ada'></p><p>Street</p>
<p><input size=40 value='12 Harbour Street'></p><p id=gone>We deliver to islands, too; the boat goes on
Wednesdays, wind permitting.</p><p>Town</p><p><input size=40 value='Wick'></p>
<div id=block>Delivery is free above fifty.</div><h2>How do you pay?</h2><p>Card number</p>
<p id=target><input size=40 value='4242'></p><p id=point>Nothing is charged before it leaves.</p>
<a id=buy>Pay 58</a><p>By paying you agree to nothing that you have not read.</p></form>
<aside><div class=card><h2>Your basket</h2><p>Two cups, 36</p><p>One pot, 22</p></div></aside></div>";
