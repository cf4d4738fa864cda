-- What Neovim knows of the model that is open, by its own functions, as scripts/try-editors.ts reads it.
local function say(what, text)
  io.stdout:write(what .. ": " .. text .. "\n")
end

local function await(what, ready)
  if not vim.wait(60000, ready, 50) then
    say("never came", what)
    vim.cmd("cquit")
  end
end

local version = vim.version()
say("version", ("%d.%d.%d"):format(version.major, version.minor, version.patch))
await("the server", function()
  return #vim.lsp.get_clients({ bufnr = 0 }) > 0
end)
await("a mistake", function()
  return #vim.diagnostic.get(0) > 0
end)
say("mistake", vim.diagnostic.get(0)[1].message)

local function at(line, character)
  vim.api.nvim_win_set_cursor(0, { line, character })
  return vim.lsp.util.make_position_params(0, "utf-16")
end

local hovered = vim.lsp.buf_request_sync(0, "textDocument/hover", at(3, 10), 60000)
for _, answer in pairs(hovered or {}) do
  say("hover", answer.result.contents.value)
end

at(3, 3)
vim.lsp.buf.rename("head")
await("the new name", function()
  return vim.api.nvim_buf_get_lines(0, 2, 3, true)[1]:find("head") ~= nil
end)
say("renamed", vim.api.nvim_buf_get_lines(0, 2, 3, true)[1])
vim.cmd("qall!")
