// Replies of a server that speaks the protocol of ollama and behaves.
import { testReplies } from "./replies.mjs";

testReplies("ollama");
