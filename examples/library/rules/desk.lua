-- What needs no model, what the model may look up, and how it is to speak.

rule "hours" {
  match = { [[(?i)\b(?:opening hours|when (?:are|do) you (?:open|close))]], "几点(?:开门|关门)" },
  reply = "Tuesday to Saturday from 10 to 19. On Sundays and Mondays we are closed.",
}

rule "card" {
  match = [[(?i)\b(?:library|reader'?s?) card\b|\bget a card\b]],
  reply = "Bring something that shows your address to the desk; the card is free and yours at once.",
}

local books = json_file "data/books.json"

-- Whether one of the book's names has the words in it, capitals aside.
local function is_meant(book, words)
  return book.title:lower():find(words, 1, true) or book.author:lower():find(words, 1, true)
end

tool "find_book" {
  description = "Looks a book up in the catalogue, by words of its title or of its author's name.",
  parameters = {
    type = "object",
    properties = { words = { type = "string", minLength = 2 } },
    required = { "words" },
  },
  run = function(_, args)
    local found = {}
    for _, book in ipairs(books) do
      if is_meant(book, args.words:lower()) then
        found[#found + 1] = { title = book.title, author = book.author, shelf = book.shelf, free = book.copies - book.out }
      end
    end
    if #found == 0 then return nil, "nothing in the catalogue has these words" end
    return found
  end,
}

generate "desk" {
  system = "You are at the desk of a city library. Look books up before you speak of them, say the shelf, and keep to two sentences.",
  tools = { "find_book" }, temperature = 0.2, max_tokens = 300,
}

-- Whatever a model would like to promise.
guard "no-fines-waived" {
  on = "reply",
  match = [[(?i)\b(?:waive|cancel|forgive)\w*\b.{0,30}\bfines?\b]],
  action = "block",
  with = "About fines only my colleagues at the desk can decide.",
}
