import { testReplies } from "./replies.mjs";

testReplies("openai");
