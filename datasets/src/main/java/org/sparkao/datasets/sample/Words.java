package org.sparkao.datasets.sample;

import java.util.List;
import java.util.stream.Stream;

/** Every word that carries meaning in the stories. No word is in two lists. */
final class Words {
  static final List<String> FIRST_NAMES =
      joined("Al Be Ca Da El Fa Gi Ha Is Jo Ka Li Ma No Or Pe", "bin dor lan mir nia rin ssa vin");

  static final List<String> LAST_NAMES =
      joined(
          "Apple Birch Black Bright Cross Fair Gold Green High Long Moor North Red Sand West White",
          "field hill land stone water well wood worth");

  static final List<String> TOWNS =
      joined("Oak Elm Ash Pine River Lake Salt Mill", "dale ford ton wick ham mere bury port");

  static final List<String> ANIMALS =
      words(
          "cat dog goat horse sheep rabbit hen duck goose pig cow donkey mouse "
              + "parrot turtle hamster ferret pony llama lizard snail toad newt canary "
              + "finch pigeon raven owl falcon swan peacock turkey");

  static final List<String> FOODS =
      words(
          "apples figs plums pears grapes cherries lemons melons peaches dates "
              + "berries mangoes carrots beans peas onions leeks radishes turnips "
              + "cabbage spinach bread cheese butter honey noodles rice soup porridge "
              + "pancakes waffles pickles");

  static final List<String> TRADES =
      words(
          "baker miller smith tailor weaver potter painter sailor farmer hunter "
              + "fisher cook doctor nurse teacher judge lawyer banker clerk barber "
              + "butcher cobbler mason carpenter plumber printer singer dancer actor "
              + "poet guard pilot");

  static final List<String> INSTRUMENTS =
      words(
          "flute drum harp bell horn fiddle lute whistle piano organ guitar banjo "
              + "cello viola violin trumpet tuba oboe clarinet bassoon trombone "
              + "accordion bagpipe zither gong cymbal triangle tambourine marimba "
              + "ukulele mandolin recorder");

  static final List<String> PLANTS =
      words(
          "rose lily tulip daisy poppy violets iris orchid lotus fern moss ivy "
              + "cactus palm willow maple cedar birch alder hazel holly juniper laurel "
              + "lavender mint thyme basil parsley sage clover nettle thistle");

  static final List<String> FEARS =
      words(
          "spider snake wolf bear bat rat wasp bee shark eagle thunder lightning "
              + "fire flood storm fog ghost witch giant dragon troll goblin bandit "
              + "pirate darkness ladder mirror clown shadow echo crow leech");

  static final List<String> TREASURES =
      words(
          "coins shells buttons stones feathers marbles beads rings stamps cards "
              + "keys pins spoons bottles candles ribbons badges medals dice acorns "
              + "pebbles crystals pearls rubies emeralds nails hooks maps letters "
              + "photos tickets corks");

  static final List<String> THINGS =
      words(
          "ball book lamp kite basket chair clock hat scarf bucket blanket box "
              + "cup umbrella broom brush comb pillow plate jug kettle hammer rope "
              + "wheel barrel crate wallet purse helmet glove boot sock");

  private Words() {}

  private static List<String> words(String list) {
    return List.of(list.split(" "));
  }

  private static List<String> joined(String beginnings, String ends) {
    return Stream.of(beginnings.split(" "))
        .flatMap(beginning -> Stream.of(ends.split(" ")).map(beginning::concat))
        .toList();
  }
}
