// The hand-written sentences behind the shipped sample: training and held-out templates by team and urgency.

export const teams = ["billing", "shipping", "technical", "account", "sales"] as const;
export type Team = (typeof teams)[number];

/** One sentence pattern; `{slot}` is filled from `slots`. */
export type Template = { team: Team; urgent: boolean; text: string };

/** What a slot may hold. */
export const slots: Readonly<Record<string, readonly string[]>> = {
  amount: ["$12", "$49", "$80", "$129", "$240", "$315", "$999", "19 euros", "64 euros"],
  product: ["lamp", "desk", "headset", "blender", "backpack", "monitor", "chair", "kettle", "rug", "camera"],
  city: ["Lyon", "Oslo", "Porto", "Leeds", "Austin", "Ghent", "Turin", "Denver", "Malmö"],
  number: ["4471", "8820", "10392", "55017", "7306", "91844", "23650"],
  month: ["January", "March", "April", "June", "August", "October", "December"],
  day: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
  count: ["12", "25", "40", "60", "150", "300"],
  name: ["Ana", "Marek", "Priya", "Tom", "Ingrid", "Kofi", "Lucia", "Yusuf"],
};

function of(team: Team, urgent: boolean, texts: readonly string[]): Template[] {
  return texts.map((text) => ({ team, urgent, text }));
}

export const trainingTemplates: readonly Template[] = [
  ...of("billing", false, [
    "Could you send me the invoice for {month}?",
    "My receipt shows {amount} but the price list said less. Please check when convenient.",
    "How do I put our tax number on future invoices?",
    "I was promised a refund of {amount} and wonder when it arrives.",
    "Which credit cards do you accept as payment?",
    "Please explain the fee of {amount} on my last bill.",
    "We would like to pay yearly instead of monthly from {month}.",
    "There is a small rounding difference on invoice {number}.",
    "Can I get a copy of the receipt for order {number}?",
    "Thanks for the credit note, {name} from accounting has filed it.",
  ]),
  ...of("billing", true, [
    "You charged my card twice and my rent bounced, refund {amount} right now!",
    "Our bank blocks the account today unless invoice {number} is corrected immediately.",
    "The payment deadline is today and the payment page rejects every card.",
    "You keep charging me {amount} every hour, stop this at once!",
    "Someone is using my credit card on your site at this moment, block the charges!",
    "Payroll goes out in an hour and your wrong debit of {amount} emptied our account.",
    "Emergency: {amount} was taken without permission and I cannot buy food.",
    "I must have the refund before midnight or my loan defaults.",
    "Tax audit starts this morning and invoice {number} is missing, send it immediately!",
    "Stop the transfer of {amount} now, the amount is wrong and it leaves today!",
  ]),
  ...of("shipping", false, [
    "Where can I see the tracking number for my {product}?",
    "Do you deliver to {city} on Saturdays?",
    "The box was a little dented but the {product} inside is fine.",
    "Please change the delivery address of order {number} to {city} whenever possible.",
    "How long does a parcel to {city} usually take?",
    "I would like to return the {product}, which courier should I use?",
    "My package says it will come {day}, is that still correct?",
    "Could the driver leave the parcel with a neighbour next time?",
    "Only one of the two parcels came so far, I can wait for the other.",
    "Thank you, the {product} got to {city} earlier than expected.",
  ]),
  ...of("shipping", true, [
    "The courier is leaving with my {product} to the wrong city, stop him now!",
    "Medicine in parcel {number} must be here today, where is the driver?",
    "The wedding is this afternoon and the {product} has not been delivered!",
    "Your package is leaking acid in our hallway, send someone immediately!",
    "Our event in {city} opens in two hours and the pallets are not here.",
    "Delivery of the insulin is late and the patient runs out tonight.",
    "The truck blocks our emergency exit, move it right now!",
    "Food in shipment {number} is spoiling at the depot, release it at once!",
    "I fly out tonight, the parcel has to reach {city} before then!",
    "Customs destroys shipment {number} today unless you send the papers immediately.",
  ]),
  ...of("technical", false, [
    "How do I turn on dark mode in the app?",
    "The export button is slightly misaligned on my screen.",
    "Is there a manual for connecting the {product} to wifi?",
    "The app feels a bit slower since the {month} update.",
    "Which browser versions does the website support?",
    "I get a harmless warning when I open the settings page.",
    "It would be nice if the search remembered my filters.",
    "What does the blinking light on the {product} mean?",
    "A typo appears in the help text of the upload screen.",
    "Can the software import a spreadsheet with {count} columns?",
  ]),
  ...of("technical", true, [
    "The server is down and nobody in {city} can work!",
    "Everything crashed, {count} customers are stuck at the checkout right now!",
    "The {product} is smoking and smells of burning plastic, help!",
    "Our database was wiped a minute ago, restore the backup immediately!",
    "Error {number} on every page, our shop is offline and we lose sales each minute.",
    "The alarm software froze and the building is unprotected now.",
    "The app deletes files as we watch, stop it at once!",
    "The {product} gave me an electric shock when I touched it!",
    "Production is halted because the API returns only errors since this morning.",
    "We present in one hour and the program does not start at all!",
  ]),
  ...of("account", false, [
    "How do I change the email address on my profile?",
    "Please update my name to {name} in your records.",
    "Can I have two users under the same login?",
    "I would like to close my account at the end of {month}.",
    "Where can I choose a new password?",
    "Please take me off the newsletter list.",
    "What personal data do you store about me?",
    "My profile picture will not go away, no rush though.",
    "How can {name} join our team workspace as a member?",
    "I want to switch the language of my profile to German.",
  ]),
  ...of("account", true, [
    "Somebody hacked my account and is changing my password right now!",
    "I am locked out of my login and must file the report today.",
    "A stranger is logged in as {name}, block the user immediately!",
    "Our fired employee {name} still has admin access and deletes users, remove him now!",
    "All {count} colleagues are locked out of their profiles since this morning, nobody can sign in!",
    "My password was leaked online a minute ago, freeze my profile at once!",
    "The two-factor code never comes and my exam login closes in an hour!",
    "My home address is public on my profile and a stalker is at the door, hide it now!",
    "You suspended our account by mistake and our staff cannot sign in, unlock it immediately!",
    "Reset my password now, I have to sign in before the deadline tonight!",
  ]),
  ...of("sales", false, [
    "What would {count} licences cost for a school?",
    "Is there a discount when we buy more than {count} of the {product}?",
    "Could someone show us a demo next {month}?",
    "What is the difference between the basic and the premium plan?",
    "Does the {product} also come in green?",
    "We are comparing vendors and would like a quote for {count} seats.",
    "When will the new {product} be on sale?",
    "Do you offer a free trial before buying?",
    "I am interested in becoming a reseller in {city}.",
    "Please send me your catalogue and price list.",
  ]),
  ...of("sales", true, [
    "We must sign the purchase today, send the quote for {count} seats immediately!",
    "Our tender closes in an hour and we still lack your offer!",
    "The board decides this morning, I need your price for {count} licences right now!",
    "The discount ends at midnight, call me now so that we can buy {count} units!",
    "I am in front of the client now and need the catalogue price of the {product} at once!",
    "Budget expires tonight, we want to order {count} of the {product} immediately!",
    "Your salesman missed the demo, {count} buyers are waiting in the room right now!",
    "Our hospital needs to buy {count} of the {product} today, lives depend on the offer!",
    "We choose another vendor in an hour unless your offer arrives!",
    "The contract for {count} licences has to be signed before noon today!",
  ]),
];

export const heldOutTemplates: readonly Template[] = [
  ...of("billing", false, [
    "I think {month} was billed twice, could you look into it sometime?",
    "Is paying by bank transfer possible for invoice {number}?",
  ]),
  ...of("billing", true, [
    "Your double charge of {amount} overdrew my card, give the money back now!",
    "The invoice is due today and your system refuses my payment, fix it immediately!",
  ]),
  ...of("shipping", false, [
    "When should the courier bring the {product} to {city}?",
    "Is it possible to pick up parcel {number} at the post office instead?",
  ]),
  ...of("shipping", true, [
    "Parcel {number} with the vaccines is still in {city} and is needed today!",
    "The driver just dropped our delivery in the river road, come back right now!",
  ]),
  ...of("technical", false, [
    "Which menu in the app lets me change the font size?",
    "How can I connect my {product} to the software?",
  ]),
  ...of("technical", true, [
    "The website crashed and {count} people see only error messages now!",
    "Flames are coming out of the {product}, what do I do?",
  ]),
  ...of("account", false, [
    "I would love to use a shorter user name on my profile.",
    "Please show me how to delete my old login.",
  ]),
  ...of("account", true, [
    "A thief took over my login and changes my password, lock it now!",
    "{name} cannot sign in and has to submit the homework within an hour!",
  ]),
  ...of("sales", false, [
    "How much is the premium plan for {count} people?",
    "Can we try the {product} before we decide to buy it?",
  ]),
  ...of("sales", true, [
    "We have to place our order for {count} licences today, send an offer right away!",
    "The buyer waits on the phone now, what does the {product} cost for {count} pieces?",
  ]),
];
